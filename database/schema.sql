-- What the migrations lead to. Written by `python -m database.dump`; a test compares it with a fresh database.

CREATE SCHEMA tenancy;

CREATE FUNCTION tenancy.actor() RETURNS text
    LANGUAGE sql STABLE
    RETURN COALESCE(NULLIF(current_setting('app.actor'::text, true), ''::text), (SESSION_USER)::text);

CREATE FUNCTION tenancy.audit(of_org bigint, action text, target text, old jsonb, new jsonb, actor text DEFAULT NULL::text, reason text DEFAULT NULL::text, request_id text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  head tenancy.audit_heads;
  entry tenancy.audit_log;
begin
  insert into tenancy.audit_heads as h (org_id, seq, hash) values (of_org, 1, '')
  on conflict (org_id) do update set seq = h.seq + 1
  returning * into head;
  entry.org_id := of_org;
  entry.seq := head.seq;
  entry.at := clock_timestamp();
  entry.actor := coalesce(nullif(audit.actor, ''), tenancy.actor());
  entry.action := audit.action;
  entry.target := audit.target;
  entry.old := audit.old;
  entry.new := audit.new;
  entry.reason := coalesce(nullif(audit.reason, ''), current_setting('app.reason', true), '');
  entry.request_id := coalesce(nullif(audit.request_id, ''), current_setting('app.request_id', true), '');
  entry.previous := head.hash;
  entry.hash := sha256(head.hash || convert_to(tenancy.audit_text(entry), 'UTF8'));
  insert into tenancy.audit_log (org_id, seq, at, actor, action, target, old, new, reason, request_id, previous, hash)
  values (entry.org_id, entry.seq, entry.at, entry.actor, entry.action, entry.target, entry.old, entry.new,
          entry.reason, entry.request_id, entry.previous, entry.hash);
  update tenancy.audit_heads h set hash = entry.hash where h.org_id = of_org;
  return entry.seq;
end $$;

CREATE FUNCTION tenancy.audit_change_set() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform tenancy.audit(new.org_id, 'change set ' || lower(new.state), new.id::text, null,
    jsonb_build_object('changes', new.changes, 'apply_at', new.apply_at, 'approver', new.approver),
    coalesce(new.ended_by, new.approver, new.actor), coalesce(new.note, new.reason));
  return null;
end $$;

CREATE FUNCTION tenancy.audit_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  client tenancy.oauth_clients := case tg_op when 'DELETE' then old else new end;
begin
  perform tenancy.audit(coalesce(client.org_id, 0),
    case tg_op when 'INSERT' then 'client registered' when 'UPDATE' then 'client changed' else 'client removed' end,
    client.client_id,
    case when tg_op <> 'INSERT' then jsonb_build_object('name', old.name, 'redirect_uris', old.redirect_uris) end,
    case when tg_op <> 'DELETE' then jsonb_build_object('name', new.name, 'redirect_uris', new.redirect_uris)
      || case when tg_op = 'UPDATE' and old.secret_hash is distinct from new.secret_hash
           then '{"secret_changed": true}'::jsonb else '{}' end end);
  return null;
end $$;

CREATE FUNCTION tenancy.audit_invitation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform tenancy.audit(new.org_id,
    case when tg_op = 'INSERT' then 'invitation made' when new.accepted_at is not null then 'invitation accepted'
      else 'invitation withdrawn' end,
    new.email, null, jsonb_build_object('role', new.role, 'expires_at', new.expires_at));
  return null;
end $$;

CREATE FUNCTION tenancy.audit_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform tenancy.audit(0, case when tg_op = 'INSERT' then 'signing key added' else 'signing key replaced' end, new.kid,
    null, jsonb_build_object('active_from', new.active_from, 'remove_at', new.remove_at));
  return null;
end $$;

CREATE FUNCTION tenancy.audit_membership() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform tenancy.audit(
    case tg_op when 'DELETE' then old.org_id else new.org_id end,
    case tg_op when 'INSERT' then 'member added' when 'UPDATE' then 'member changed' else 'member removed' end,
    case tg_op when 'DELETE' then old.email else new.email end,
    case when tg_op <> 'INSERT' then jsonb_build_object('role', old.role) end,
    case when tg_op <> 'DELETE' then jsonb_build_object('role', new.role) end);
  return null;
end $$;

CREATE FUNCTION tenancy.audit_operation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  before jsonb;
  was jsonb;
  now_is jsonb;
begin
  if tg_op = 'UPDATE' then
    perform tenancy.audit(new.org_id, new.kind || case new.state when 'COMMITTED' then ' committed' else ' failed' end,
      new.slug, null, jsonb_strip_nulls(jsonb_build_object('operation_id', new.id, 'problem', new.problem ->> 'title')),
      new.caller, new.reason, new.request_id);
    return null;
  end if;
  select p.request into before from tenancy.operations p
  where p.org_id = new.org_id and p.id <> new.id
    and (p.kind = 'create' and p.state <> 'FAILED' or p.kind in ('quota', 'change') and p.state = 'COMMITTED')
  order by p.created_at desc limit 1;
  select jsonb_object_agg(key, o.value) filter (where o.value is not null),
    jsonb_object_agg(key, n.value) filter (where n.value is not null)
  into was, now_is
  from jsonb_each(coalesce(before, '{}')) o full join jsonb_each(new.request) n using (key)
  where o.value is distinct from n.value;
  perform tenancy.audit(new.org_id, new.kind || ' requested', new.slug, was,
    coalesce(now_is, '{}') || jsonb_build_object('operation_id', new.id), new.caller, new.reason, new.request_id);
  return null;
end $$;

CREATE FUNCTION tenancy.audit_setting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform tenancy.audit(new.org_id, 'setting changed', new.service || '/' || new.key,
    jsonb_build_object('value', case when tg_op = 'UPDATE' then old.value end),
    jsonb_build_object('value', new.value, 'version', new.version));
  return null;
end $$;

CREATE TABLE tenancy.audit_log (
    org_id bigint NOT NULL,
    owner bigint GENERATED ALWAYS AS (NULLIF(org_id, 0)) STORED,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    old jsonb,
    new jsonb,
    reason text NOT NULL,
    request_id text NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL
);
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN owner SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN seq SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN actor SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN action SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN target SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN old SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN new SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN request_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN previous SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_log ALTER COLUMN hash SET STATISTICS 0;

ALTER TABLE ONLY tenancy.audit_log FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.audit_log.org_id IS 'the organization; 0: the platform';

COMMENT ON COLUMN tenancy.audit_log.hash IS 'SHA-256 of the hash before it and of tenancy.audit_text(entry) in UTF-8';

CREATE FUNCTION tenancy.audit_text(entry tenancy.audit_log) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN (jsonb_build_object('org_id', (entry).org_id, 'seq', (entry).seq, 'at', to_char(((entry).at AT TIME ZONE 'utc'::text), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'::text), 'actor', (entry).actor, 'action', (entry).action, 'target', (entry).target, 'old', (entry).old, 'new', (entry).new, 'reason', (entry).reason, 'request_id', (entry).request_id))::text;

CREATE FUNCTION tenancy.audit_user() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if tg_op = 'INSERT' then
    perform tenancy.audit(0, 'account made', new.email, null, jsonb_build_object('role', new.platform_role));
    return null;
  end if;
  if old.platform_role is distinct from new.platform_role then
    perform tenancy.audit(0, 'staff changed', new.email,
      jsonb_build_object('role', old.platform_role), jsonb_build_object('role', new.platform_role));
  end if;
  if (old.disabled_at is null) <> (new.disabled_at is null) then
    perform tenancy.audit(0, case when new.disabled_at is null then 'account enabled' else 'account disabled' end,
      new.email, null, null);
  end if;
  if old.password_changed_at is distinct from new.password_changed_at then
    perform tenancy.audit(0, 'password changed', new.email, null, null);
  end if;
  return null;
end $$;

CREATE FUNCTION tenancy.config_epoch() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  here text := concat_ws('/', (select system_identifier from pg_control_system()),
    (select oid from pg_database where datname = current_database()), 'tenancy.config_epoch'::regclass::oid);
  line text := left(pg_walfile_name(pg_current_wal_lsn()), 8);
  found_epoch bigint;
begin
  select e.epoch into found_epoch from tenancy.config_epoch e where (e.identity, e.timeline) = (here, line);
  if found then
    return found_epoch;
  end if;
  insert into tenancy.config_epoch as e (epoch, identity, timeline)
  values (extract(epoch from clock_timestamp())::bigint, here, line)
  on conflict (one) do update
    set epoch = greatest(e.epoch + 1, excluded.epoch), identity = here, timeline = line
    where (e.identity, e.timeline) <> (here, line)
  returning e.epoch into found_epoch;
  update tenancy.config_heads set changed_in = '0'; -- another cluster counts its transactions from elsewhere
  return coalesce(found_epoch, (select e.epoch from tenancy.config_epoch e));
end $$;

CREATE FUNCTION tenancy.count_version() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end $$;

CREATE FUNCTION tenancy.current_org() RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.current_org'::text, true), ''::text))::bigint;

CREATE FUNCTION tenancy.drop_login(login name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if not exists (select from tenancy.organization_roles r where r.role_name = login) then
    raise exception 'role % belongs to no organization and is left alone', login using errcode = 'insufficient_privilege';
  end if;
  if exists (select from pg_roles where rolname = login) then
    execute format('alter role %I nologin', login);
    execute format('grant %I to current_user', login); -- who ends sessions and drops what is owned must be a member
    perform pg_terminate_backend(pid) from pg_stat_activity where usename = login;
    execute format('drop owned by %I', login);
    execute format('drop role %I', login);
  end if;
end $$;

CREATE FUNCTION tenancy.end_memberships() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  delete from tenancy.memberships m where m.org_id = new.id;
  update tenancy.invitations i set withdrawn_at = now()
    where i.org_id = new.id and i.accepted_at is null and i.withdrawn_at is null;
  delete from tenancy.oauth_clients c where c.org_id = new.id;
  return null;
end $$;

CREATE FUNCTION tenancy.end_standing() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  person uuid := (select u.id from tenancy.users u where u.email = old.email);
begin
  if person is not null then
    perform tenancy.revoke_tokens('the membership ' || case tg_op when 'DELETE' then 'ended' else 'changed' end,
                                  of_user => person, of_org => old.org_id);
  end if;
  if tg_op = 'DELETE' or new.role <> 'owner' then
    update tenancy.invitations i set withdrawn_at = now()
    where i.org_id = old.org_id and i.invited_by = old.email and i.accepted_at is null and i.withdrawn_at is null
      and (tg_op = 'DELETE' or new.role <> 'admin' or i.role in ('owner', 'admin'));
  end if;
  return null;
end $$;

CREATE FUNCTION tenancy.end_user() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform tenancy.revoke_tokens('the account changed', of_user => new.id);
  return null;
end $$;

CREATE FUNCTION tenancy.erase(kind text, row_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  case kind
    when 'projects' then delete from tenancy.projects r where (r.org_id, r.id) = (tenancy.own_org(), row_id);
    when 'notes' then delete from tenancy.notes r where (r.org_id, r.id) = (tenancy.own_org(), row_id);
    when 'documents' then delete from tenancy.documents r where (r.org_id, r.id) = (tenancy.own_org(), row_id);
    else raise exception '% is none of projects, notes and documents', kind using errcode = 'invalid_parameter_value';
  end case;
  return found;
end $$;

CREATE FUNCTION tenancy.guard_config_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  if new.value is distinct from old.value and new.version <> old.version + 1 then
    raise exception 'a changed value of %/% must raise its version from % to %, not to %',
      old.service, old.key, old.version, old.version + 1, new.version using errcode = 'check_violation';
  end if;
  return new;
end $$;

CREATE FUNCTION tenancy.lock_config_head() RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select count(*) > 0 from (
    select from tenancy.config_heads where org_id = tenancy.current_org() for update) as locked
$$;

CREATE TABLE tenancy.organization_roles (
    role_name name NOT NULL,
    org_id bigint NOT NULL,
    generation integer NOT NULL,
    verifier text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organization_roles_generation_check CHECK ((generation > 0)),
    CONSTRAINT organization_roles_verifier_check CHECK ((verifier ~~ 'SCRAM-SHA-256$%'::text))
);

ALTER TABLE ONLY tenancy.organization_roles FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.organization_roles IS 'Whose a login is. A login that is not listed sees nothing.';

COMMENT ON COLUMN tenancy.organization_roles.verifier IS 'What PostgreSQL stores instead of the password. It outlives a lost Pulumi state, so that a password in use is recognized and kept.';

CREATE FUNCTION tenancy.session_org() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN (SELECT r.org_id FROM tenancy.organization_roles r WHERE (r.role_name = SESSION_USER));

CREATE FUNCTION tenancy.own_org() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN COALESCE(tenancy.session_org(), tenancy.current_org());

CREATE FUNCTION tenancy.record_config_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into tenancy.config_history
    (org_id, service, key, version, revision, old_value, new_value, actor, reason, changed_at)
  values (new.org_id, new.service, new.key, new.version, new.revision,
          case when tg_op = 'UPDATE' then old.value end, new.value,
          tenancy.actor(), coalesce(current_setting('app.reason', true), ''), new.updated_at);
  insert into tenancy.outbox (org_id, service, key, version)
  values (new.org_id, new.service, new.key, new.version);
  return null;
end $$;

CREATE FUNCTION tenancy.record_quota_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into tenancy.quota_changes (org_id, resource, old_value, new_value, actor, reason)
  select new.id, resource, was.value, now.value,
         tenancy.actor(), coalesce(current_setting('app.reason', true), '')
  from jsonb_each_text(new.quota) now (resource, value)
  full join jsonb_each_text(case when tg_op = 'UPDATE' then old.quota else '{}' end) was (resource, value)
    using (resource)
  where was.value is distinct from now.value
  order by resource;
  return null;
end $$;

CREATE FUNCTION tenancy.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;

CREATE FUNCTION tenancy.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception 'TRUNCATE of % is refused: it holds the rows of every organization; use DELETE', tg_table_name
    using errcode = 'insufficient_privilege';
end $$;

CREATE FUNCTION tenancy.revoke_tokens(why text, of_jti uuid DEFAULT NULL::uuid, of_roots uuid[] DEFAULT NULL::uuid[], of_user uuid DEFAULT NULL::uuid, of_org bigint DEFAULT NULL::bigint, of_client text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  found_jtis uuid[];
  new_seq bigint;
begin
  if num_nonnulls(of_jti, of_roots, of_user, of_org) = 0 then
    raise exception 'nothing was named to revoke' using errcode = 'invalid_parameter_value';
  end if;
  select array_agg(t.jti) into found_jtis
  from tenancy.issued_tokens t
  where t.expires_at > now() - interval '1 minute'
    and (of_jti is null or t.jti = of_jti)
    and (of_roots is null or t.session_id in (
      select s.id from tenancy.sessions s where s.root = any(of_roots) and (of_client is null or s.client_id = of_client)))
    and (of_user is null or t.user_id = of_user)
    and (of_org is null or t.org_id = of_org)
    and not exists (select from tenancy.revoked_tokens r where r.jti = t.jti);
  if found_jtis is null then
    return null;
  end if;
  update tenancy.revocation_head set seq = seq + 1 returning seq into new_seq;
  insert into tenancy.revoked_tokens (jti, seq, why, expires_at)
  select t.jti, new_seq, revoke_tokens.why, t.expires_at from tenancy.issued_tokens t where t.jti = any(found_jtis)
  on conflict do nothing;
  return new_seq;
end $$;

CREATE FUNCTION tenancy.set_config_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  -- An insert that will find the row there becomes an update, or nothing: that one decides.
  if tg_op = 'UPDATE' or not exists (
    select from tenancy.service_configs c where (c.org_id, c.service, c.key) = (new.org_id, new.service, new.key)
  ) then
    insert into tenancy.config_heads as h (org_id, revision, changed_in, changed_at)
    values (new.org_id, 1, pg_current_xact_id(), clock_timestamp())
    on conflict (org_id) do update set
      revision = h.revision + (h.changed_in <> excluded.changed_in)::int,
      changed_at = case when h.changed_in <> excluded.changed_in then clock_timestamp() else h.changed_at end,
      changed_in = excluded.changed_in
    returning revision, changed_at into new.revision, new.updated_at;
  end if;
  return new;
end $$;

CREATE TABLE tenancy.audit_heads (
    org_id bigint NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
ALTER TABLE ONLY tenancy.audit_heads ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_heads ALTER COLUMN seq SET STATISTICS 0;
ALTER TABLE ONLY tenancy.audit_heads ALTER COLUMN hash SET STATISTICS 0;

ALTER TABLE ONLY tenancy.audit_heads FORCE ROW LEVEL SECURITY;

CREATE FUNCTION tenancy.verify_audit(of_org bigint) RETURNS TABLE(seq bigint, problem text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH chained AS (
          SELECT l.seq,
             l.hash,
             l.previous,
             lag(l.hash, 1, '\x'::bytea) OVER (ORDER BY l.seq) AS before,
             lag(l.seq, 1, (0)::bigint) OVER (ORDER BY l.seq) AS number_before,
             sha256((l.previous || convert_to(tenancy.audit_text(l.*), 'UTF8'::name))) AS computed
            FROM tenancy.audit_log l
           WHERE (l.org_id = verify_audit.of_org)
         )
  SELECT c.seq,
         CASE
             WHEN (c.seq <> (c.number_before + 1)) THEN format('entries %s to %s are missing'::text, (c.number_before + 1), (c.seq - 1))
             WHEN (c.previous <> c.before) THEN 'it does not follow the entry before it'::text
             ELSE 'it was changed after it was written'::text
         END AS "case"
    FROM chained c
   WHERE ((c.seq <> (c.number_before + 1)) OR (c.previous <> c.before) OR (c.hash <> c.computed))
 UNION ALL
  SELECT h.seq,
     'the newest entries are missing, or the head was changed'::text
    FROM tenancy.audit_heads h
   WHERE ((h.org_id = verify_audit.of_org) AND (ROW(h.seq, h.hash) IS DISTINCT FROM ( SELECT ROW(c.seq, c.hash) AS "row"
            FROM chained c
           ORDER BY c.seq DESC
          LIMIT 1)))
  ORDER BY 1;
END;

CREATE TABLE tenancy.authorization_codes (
    code_hash text NOT NULL,
    client_id text NOT NULL,
    root uuid NOT NULL,
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    nonce text,
    scope text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT authorization_codes_code_challenge_check CHECK ((code_challenge ~ '^[A-Za-z0-9_-]{43}$'::text))
);

ALTER TABLE ONLY tenancy.authorization_codes FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.authorization_codes.root IS 'the log-in that it came from; ended when the code comes a second time';

CREATE TABLE tenancy.client_consents (
    user_id uuid NOT NULL,
    client_id text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY tenancy.client_consents FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.client_consents IS 'Who agreed that an organization''s client learns who they are; membership alone, which others write, does not say so.';

CREATE TABLE tenancy.config_change_sets (
    id uuid NOT NULL,
    org_id bigint NOT NULL,
    owner bigint GENERATED ALWAYS AS (NULLIF(org_id, 0)) STORED,
    changes jsonb NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    approver text,
    needs_approval boolean DEFAULT false NOT NULL,
    apply_at timestamp with time zone,
    state text NOT NULL,
    revision bigint,
    problem jsonb,
    ended_by text,
    note text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT config_change_sets_changes_check CHECK (((jsonb_typeof(changes) = 'array'::text) AND ((jsonb_array_length(changes) >= 1) AND (jsonb_array_length(changes) <= 200)))),
    CONSTRAINT config_change_sets_check CHECK ((approver <> actor)),
    CONSTRAINT config_change_sets_check1 CHECK (((state = ANY (ARRAY['WAITING'::text, 'SCHEDULED'::text])) = (ended_at IS NULL))),
    CONSTRAINT config_change_sets_check2 CHECK (((state = 'APPLIED'::text) = (revision IS NOT NULL))),
    CONSTRAINT config_change_sets_check3 CHECK (((state = 'FAILED'::text) = (problem IS NOT NULL))),
    CONSTRAINT config_change_sets_check4 CHECK (((state <> ALL (ARRAY['SCHEDULED'::text, 'APPLIED'::text])) OR (NOT needs_approval) OR (approver IS NOT NULL))),
    CONSTRAINT config_change_sets_reason_check CHECK ((reason <> ''::text)),
    CONSTRAINT config_change_sets_state_check CHECK ((state = ANY (ARRAY['WAITING'::text, 'SCHEDULED'::text, 'APPLIED'::text, 'REJECTED'::text, 'CANCELLED'::text, 'FAILED'::text])))
);
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN owner SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN changes SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN actor SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN approver SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN needs_approval SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN apply_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN state SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN revision SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN problem SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN ended_by SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN note SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_change_sets ALTER COLUMN ended_at SET STATISTICS 0;

ALTER TABLE ONLY tenancy.config_change_sets FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.config_change_sets.changes IS 'Array of {service, key, value | unset: true, if_version?}, as it was asked for.';

COMMENT ON COLUMN tenancy.config_change_sets.note IS 'Why it was approved, rejected or cancelled.';

CREATE TABLE tenancy.config_epoch (
    one boolean DEFAULT true NOT NULL,
    epoch bigint NOT NULL,
    identity text NOT NULL,
    timeline text NOT NULL,
    CONSTRAINT config_epoch_one_check CHECK (one)
);
ALTER TABLE ONLY tenancy.config_epoch ALTER COLUMN one SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_epoch ALTER COLUMN epoch SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_epoch ALTER COLUMN identity SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_epoch ALTER COLUMN timeline SET STATISTICS 0;

ALTER TABLE ONLY tenancy.config_epoch FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.config_epoch IS 'Which history of versions this is. A restore begins another, above every earlier one.';

COMMENT ON COLUMN tenancy.config_epoch.identity IS 'Of the cluster, the database and this table: one of them is another after a dump was loaded.';

COMMENT ON COLUMN tenancy.config_epoch.timeline IS 'Another one after a recovery to a point in time, or after a standby was promoted.';

CREATE TABLE tenancy.config_heads (
    org_id bigint NOT NULL,
    owner bigint GENERATED ALWAYS AS (NULLIF(org_id, 0)) STORED,
    revision bigint NOT NULL,
    changed_in xid8 NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT config_heads_revision_check CHECK ((revision > 0))
);
ALTER TABLE ONLY tenancy.config_heads ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_heads ALTER COLUMN owner SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_heads ALTER COLUMN revision SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_heads ALTER COLUMN changed_in SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_heads ALTER COLUMN changed_at SET STATISTICS 0;

ALTER TABLE ONLY tenancy.config_heads FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.config_heads IS 'The newest revision of each organization. Its row lock makes revisions commit in their order.';

CREATE TABLE tenancy.config_history (
    id bigint NOT NULL,
    org_id bigint NOT NULL,
    service text NOT NULL,
    key text NOT NULL,
    version bigint NOT NULL,
    old_value jsonb,
    new_value jsonb,
    actor text NOT NULL,
    reason text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    owner bigint GENERATED ALWAYS AS (NULLIF(org_id, 0)) STORED,
    revision bigint DEFAULT 0 NOT NULL
);
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN service SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN version SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN old_value SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN new_value SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN actor SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN changed_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN owner SET STATISTICS 0;
ALTER TABLE ONLY tenancy.config_history ALTER COLUMN revision SET STATISTICS 0;

ALTER TABLE ONLY tenancy.config_history FORCE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_history ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tenancy.config_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tenancy.deployments (
    environment text NOT NULL,
    stack text NOT NULL,
    digest text,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone
);

COMMENT ON COLUMN tenancy.deployments.digest IS 'of what a stack deploys beside its organizations; null if not known';

CREATE TABLE tenancy.documents (
    org_id bigint DEFAULT tenancy.own_org() NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    project_id uuid,
    name text NOT NULL,
    media_type text DEFAULT 'text/plain'::text NOT NULL,
    content text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_by text DEFAULT tenancy.actor() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    living boolean GENERATED ALWAYS AS ((deleted_at IS NULL)) STORED NOT NULL,
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, ((name || ' '::text) || content))) STORED NOT NULL,
    CONSTRAINT documents_content_check CHECK ((octet_length(content) <= 262144)),
    CONSTRAINT documents_created_by_check CHECK ((created_by <> ''::text)),
    CONSTRAINT documents_media_type_check CHECK (((length(media_type) >= 3) AND (length(media_type) <= 100))),
    CONSTRAINT documents_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);
ALTER TABLE ONLY tenancy.documents ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN project_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN media_type SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN content SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN version SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN created_by SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN updated_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN deleted_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN living SET STATISTICS 0;
ALTER TABLE ONLY tenancy.documents ALTER COLUMN words SET STATISTICS 0;

ALTER TABLE ONLY tenancy.documents FORCE ROW LEVEL SECURITY;

CREATE TABLE tenancy.drift_reports (
    org_id bigint NOT NULL,
    checked_at timestamp with time zone DEFAULT now() NOT NULL,
    items jsonb NOT NULL
);

ALTER TABLE ONLY tenancy.drift_reports FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.drift_reports IS 'What differed between an organization''s stack, rows and cluster when it was last compared; nothing if items is empty.';

COMMENT ON COLUMN tenancy.drift_reports.items IS 'a list of {kind, name, problem}; never a secret';

CREATE TABLE tenancy.invitations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    org_id bigint NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    invited_by text NOT NULL,
    token_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    CONSTRAINT invitations_email_check CHECK (((email = lower(email)) AND (email <> ''::text))),
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN email SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN role SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN invited_by SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN token_hash SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN expires_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN accepted_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.invitations ALTER COLUMN withdrawn_at SET STATISTICS 0;

ALTER TABLE ONLY tenancy.invitations FORCE ROW LEVEL SECURITY;

CREATE TABLE tenancy.issued_tokens (
    jti uuid NOT NULL,
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    org_id bigint,
    audience text NOT NULL,
    issued_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY tenancy.issued_tokens FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.issued_tokens IS 'Signed tokens that have not expired, by jti: what there is to revoke.';

CREATE TABLE tenancy.known_networks (
    email text NOT NULL,
    network bytea NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY tenancy.known_networks FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.known_networks IS 'Where somebody has logged in from: a lock-out by guesses from elsewhere does not reach it. HMAC-SHA256, never an address.';

CREATE TABLE tenancy.memberships (
    org_id bigint NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT memberships_email_check CHECK (((email = lower(email)) AND (email <> ''::text))),
    CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);
ALTER TABLE ONLY tenancy.memberships ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.memberships ALTER COLUMN email SET STATISTICS 0;
ALTER TABLE ONLY tenancy.memberships ALTER COLUMN role SET STATISTICS 0;
ALTER TABLE ONLY tenancy.memberships ALTER COLUMN since SET STATISTICS 0;

ALTER TABLE ONLY tenancy.memberships FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.memberships IS 'Who belongs to what, as the catalog or the API says; by address, because a member may have no account yet.';

CREATE TABLE tenancy.notes (
    org_id bigint DEFAULT tenancy.own_org() NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    project_id uuid NOT NULL,
    title text NOT NULL,
    body text DEFAULT ''::text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_by text DEFAULT tenancy.actor() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    living boolean GENERATED ALWAYS AS ((deleted_at IS NULL)) STORED NOT NULL,
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, ((title || ' '::text) || body))) STORED NOT NULL,
    CONSTRAINT notes_body_check CHECK ((octet_length(body) <= 65536)),
    CONSTRAINT notes_created_by_check CHECK ((created_by <> ''::text)),
    CONSTRAINT notes_title_check CHECK (((length(title) >= 1) AND (length(title) <= 200)))
);
ALTER TABLE ONLY tenancy.notes ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN project_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN body SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN version SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN created_by SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN updated_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN deleted_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN living SET STATISTICS 0;
ALTER TABLE ONLY tenancy.notes ALTER COLUMN words SET STATISTICS 0;

ALTER TABLE ONLY tenancy.notes FORCE ROW LEVEL SECURITY;

CREATE TABLE tenancy.oauth_clients (
    client_id text NOT NULL,
    name text NOT NULL,
    secret_hash text,
    redirect_uris text[] NOT NULL,
    org_id bigint,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT oauth_clients_client_id_check CHECK ((client_id ~ '^[a-z0-9][a-z0-9.-]{0,125}$'::text)),
    CONSTRAINT oauth_clients_redirect_uris_check CHECK (((cardinality(redirect_uris) >= 1) AND (cardinality(redirect_uris) <= 10))),
    CONSTRAINT oauth_clients_secret_hash_check CHECK ((secret_hash ~ '^[0-9a-f]{64}$'::text))
);

ALTER TABLE ONLY tenancy.oauth_clients FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.oauth_clients.client_id IS 'an organization''s is <slug>.<name>, the platform''s has no dot: what one registers tells nothing of the others';

COMMENT ON COLUMN tenancy.oauth_clients.secret_hash IS 'SHA-256 of a secret with 256 random bits; null: a public client, PKCE alone';

COMMENT ON COLUMN tenancy.oauth_clients.org_id IS 'whose members alone it may log in; null: the platform''s, everybody';

CREATE TABLE tenancy.operation_steps (
    id bigint NOT NULL,
    operation_id uuid NOT NULL,
    org_id bigint NOT NULL,
    step text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

ALTER TABLE ONLY tenancy.operation_steps FORCE ROW LEVEL SECURITY;

ALTER TABLE tenancy.operation_steps ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tenancy.operation_steps_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tenancy.operations (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    slug text NOT NULL,
    org_id bigint NOT NULL,
    caller text NOT NULL,
    idempotency_key text NOT NULL,
    request_hash text NOT NULL,
    request jsonb NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'PENDING'::text NOT NULL,
    way text,
    attempt integer DEFAULT 0 NOT NULL,
    undoing boolean DEFAULT false NOT NULL,
    lease_holder text,
    lease_number bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    answer jsonb,
    problem jsonb,
    token_hash text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    saved_at timestamp with time zone,
    request_id text DEFAULT ''::text NOT NULL,
    CONSTRAINT operations_check CHECK (((state = 'PENDING'::text) = (ended_at IS NULL))),
    CONSTRAINT operations_kind_check CHECK ((kind = ANY (ARRAY['create'::text, 'quota'::text, 'change'::text, 'repair'::text, 'delete'::text]))),
    CONSTRAINT operations_state_check CHECK ((state = ANY (ARRAY['PENDING'::text, 'COMMITTED'::text, 'FAILED'::text]))),
    CONSTRAINT operations_way_check CHECK ((way = ANY (ARRAY['parked'::text, 'ordinary'::text])))
);

ALTER TABLE ONLY tenancy.operations FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.operations.caller IS 'whose key it is: sign-up for everybody without a token, else operator';

COMMENT ON COLUMN tenancy.operations.request IS 'the organization as it is to be, validated; never a secret';

COMMENT ON COLUMN tenancy.operations.reason IS 'in the words of who asked for it';

COMMENT ON COLUMN tenancy.operations.undoing IS 'it has failed and is being compensated: never forward again';

COMMENT ON COLUMN tenancy.operations.answer IS 'what the caller is told when the operation is COMMITTED, now and on each repetition';

COMMENT ON COLUMN tenancy.operations.problem IS 'RFC 9457: why it FAILED, what was compensated and what could not be';

COMMENT ON COLUMN tenancy.operations.token_hash IS 'SHA-256 of the token that reads this operation and nothing else';

COMMENT ON COLUMN tenancy.operations.saved_at IS 'when the stack''s state knew; until then a restart recovers from the cluster';

CREATE TABLE tenancy.organizations (
    id bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    plan text NOT NULL,
    status text DEFAULT 'PENDING'::text NOT NULL,
    managed_by text NOT NULL,
    operation_id uuid DEFAULT gen_random_uuid() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    committed_at timestamp with time zone,
    deleted_at timestamp with time zone,
    quota jsonb DEFAULT '{}'::jsonb NOT NULL,
    database_rotation integer DEFAULT 1 NOT NULL,
    retention_days integer DEFAULT 30 NOT NULL,
    purge_after timestamp with time zone,
    stack text,
    CONSTRAINT organizations_check CHECK (((status = 'DELETED'::text) = (deleted_at IS NOT NULL))),
    CONSTRAINT organizations_check1 CHECK (((deleted_at IS NULL) = (purge_after IS NULL))),
    CONSTRAINT organizations_database_rotation_check CHECK ((database_rotation > 0)),
    CONSTRAINT organizations_name_check CHECK ((name <> ''::text)),
    CONSTRAINT organizations_quota_check CHECK ((jsonb_typeof(quota) = 'object'::text)),
    CONSTRAINT organizations_retention_days_check CHECK (((retention_days >= 0) AND (retention_days <= 3650))),
    CONSTRAINT organizations_slug_check CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,57}[a-z0-9])?$'::text)),
    CONSTRAINT organizations_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'COMMITTED'::text, 'DELETED'::text])))
);
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN slug SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN plan SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN status SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN managed_by SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN operation_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN committed_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN deleted_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN quota SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN database_rotation SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN retention_days SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN purge_after SET STATISTICS 0;
ALTER TABLE ONLY tenancy.organizations ALTER COLUMN stack SET STATISTICS 0;

ALTER TABLE ONLY tenancy.organizations FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.organizations IS 'One row a customer. A deleted one stays as a tombstone: a slug is never given out again. One that never was committed does not count.';

COMMENT ON COLUMN tenancy.organizations.managed_by IS 'The one owner of quota, members, network and deletion: catalog:<project>/<stack>, or api.';

COMMENT ON COLUMN tenancy.organizations.quota IS 'What the cluster grants, as Kubernetes quantities: cpu, memory, storage.';

COMMENT ON COLUMN tenancy.organizations.database_rotation IS 'The generation of the login in use. It rises by one at a time: the one before stays valid until the next.';

COMMENT ON COLUMN tenancy.organizations.purge_after IS 'When a deleted organization''s data may go for good.';

COMMENT ON COLUMN tenancy.organizations.stack IS 'the Pulumi stack of its own that holds a self-service organization';

ALTER TABLE tenancy.organizations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tenancy.organizations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tenancy.outbox (
    id bigint NOT NULL,
    org_id bigint NOT NULL,
    service text NOT NULL,
    key text NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    published_at timestamp with time zone,
    owner bigint GENERATED ALWAYS AS (NULLIF(org_id, 0)) STORED
);
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN service SET STATISTICS 0;
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN version SET STATISTICS 0;
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN published_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.outbox ALTER COLUMN owner SET STATISTICS 0;

ALTER TABLE ONLY tenancy.outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE tenancy.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tenancy.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tenancy.password_tokens (
    token_hash text NOT NULL,
    email text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

ALTER TABLE ONLY tenancy.password_tokens FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.password_tokens IS 'Mailed to an address: whoever brings one sets its password, once.';

CREATE TABLE tenancy.placements (
    environment text NOT NULL,
    slug text NOT NULL,
    stack text NOT NULL,
    digest text,
    phase text DEFAULT 'settled'::text NOT NULL,
    intent jsonb,
    CONSTRAINT placements_check CHECK (((phase = 'deploying'::text) = (intent IS NOT NULL))),
    CONSTRAINT placements_phase_check CHECK ((phase = ANY (ARRAY['settled'::text, 'deploying'::text, 'deleting'::text])))
);

COMMENT ON COLUMN tenancy.placements.digest IS 'of the plan that was deployed; null if that is not known';

COMMENT ON COLUMN tenancy.placements.phase IS 'settled: the stack''s state knows what was done; else an update began';

COMMENT ON COLUMN tenancy.placements.intent IS 'the organization as an update that began means to deploy it';

CREATE TABLE tenancy.pod_credentials (
    org_id bigint NOT NULL,
    username text NOT NULL,
    password_sha256 text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT pod_credentials_password_sha256_check CHECK ((password_sha256 ~ '^[0-9a-f]{64}$'::text))
);

ALTER TABLE ONLY tenancy.pod_credentials FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.pod_credentials IS 'By what an organization''s pods are known to Redis and to the relay. The password has 256 random bits.';

CREATE TABLE tenancy.projects (
    org_id bigint DEFAULT tenancy.own_org() NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_by text DEFAULT tenancy.actor() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    living boolean GENERATED ALWAYS AS ((deleted_at IS NULL)) STORED NOT NULL,
    words tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, ((name || ' '::text) || description))) STORED NOT NULL,
    CONSTRAINT projects_created_by_check CHECK ((created_by <> ''::text)),
    CONSTRAINT projects_description_check CHECK ((length(description) <= 4000)),
    CONSTRAINT projects_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);
ALTER TABLE ONLY tenancy.projects ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN description SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN version SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN created_by SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN created_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN updated_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN deleted_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN living SET STATISTICS 0;
ALTER TABLE ONLY tenancy.projects ALTER COLUMN words SET STATISTICS 0;

ALTER TABLE ONLY tenancy.projects FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.projects.deleted_at IS 'Since when it is hidden, with its notes and documents; null again: restored.';

COMMENT ON COLUMN tenancy.projects.living IS 'For plans: without statistics `is null` counts as a twohundredth of all rows, a boolean as half of them.';

CREATE TABLE tenancy.quota_changes (
    id bigint NOT NULL,
    org_id bigint NOT NULL,
    resource text NOT NULL,
    old_value text,
    new_value text,
    actor text NOT NULL,
    reason text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN resource SET STATISTICS 0;
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN old_value SET STATISTICS 0;
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN new_value SET STATISTICS 0;
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN actor SET STATISTICS 0;
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN reason SET STATISTICS 0;
ALTER TABLE ONLY tenancy.quota_changes ALTER COLUMN changed_at SET STATISTICS 0;

ALTER TABLE ONLY tenancy.quota_changes FORCE ROW LEVEL SECURITY;

ALTER TABLE tenancy.quota_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tenancy.quota_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tenancy.refresh_tokens (
    token_hash text NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

ALTER TABLE ONLY tenancy.refresh_tokens FORCE ROW LEVEL SECURITY;

CREATE TABLE tenancy.revocation_head (
    one boolean DEFAULT true NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    CONSTRAINT revocation_head_one_check CHECK (one)
);

ALTER TABLE ONLY tenancy.revocation_head FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.revocation_head IS 'The newest revocation. Its row lock makes numbers commit in their order, so that a reader who has seen n has seen all below.';

CREATE TABLE tenancy.revoked_tokens (
    jti uuid NOT NULL,
    seq bigint NOT NULL,
    why text NOT NULL,
    revoked_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY tenancy.revoked_tokens FORCE ROW LEVEL SECURITY;

CREATE TABLE tenancy.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE tenancy.service_configs (
    org_id bigint NOT NULL,
    service text NOT NULL,
    key text NOT NULL,
    value jsonb,
    version bigint DEFAULT 1 NOT NULL,
    source text NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    owner bigint GENERATED ALWAYS AS (NULLIF(org_id, 0)) STORED,
    revision bigint DEFAULT 0 NOT NULL,
    CONSTRAINT service_configs_key_check CHECK ((key ~ '^[A-Za-z][A-Za-z0-9_.-]{0,62}$'::text)),
    CONSTRAINT service_configs_service_check CHECK ((service ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT service_configs_source_check CHECK ((source = ANY (ARRAY['catalog'::text, 'api'::text]))),
    CONSTRAINT service_configs_version_check CHECK ((version > 0))
);
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN org_id SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN service SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN key SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN value SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN version SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN source SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN updated_at SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN owner SET STATISTICS 0;
ALTER TABLE ONLY tenancy.service_configs ALTER COLUMN revision SET STATISTICS 0;

ALTER TABLE ONLY tenancy.service_configs FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.service_configs.value IS 'null: unset again. The row stays, because a version must never run backwards.';

COMMENT ON COLUMN tenancy.service_configs.source IS 'Who wrote last. The catalog only ever replaces its own values; what the API wrote belongs to the API.';

COMMENT ON COLUMN tenancy.service_configs.revision IS 'The change set of its organization that changed it last. Several keys of one transaction share one.';

CREATE TABLE tenancy.sessions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    root uuid NOT NULL,
    user_id uuid NOT NULL,
    client_id text NOT NULL,
    org_id bigint,
    browser_hash text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_why text,
    CONSTRAINT sessions_check CHECK (((ended_at IS NULL) = (ended_why IS NULL)))
);

ALTER TABLE ONLY tenancy.sessions FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.sessions.root IS 'the log-in that it came from, itself if it is one: they end together';

COMMENT ON COLUMN tenancy.sessions.org_id IS 'the organization that it speaks for now';

COMMENT ON COLUMN tenancy.sessions.browser_hash IS 'SHA-256 of the issuer''s own cookie';

CREATE UNLOGGED TABLE tenancy.sign_up_rates (
    address bytea NOT NULL,
    full_at timestamp with time zone NOT NULL,
    wait double precision DEFAULT 0 NOT NULL
);

COMMENT ON COLUMN tenancy.sign_up_rates.address IS 'HMAC-SHA256 of the network that an address belongs to; never the address';

COMMENT ON COLUMN tenancy.sign_up_rates.full_at IS 'when the bucket is full again; from then on its row means nothing';

COMMENT ON COLUMN tenancy.sign_up_rates.wait IS 'what the last attempt was told, in seconds; 0 if it took a token';

CREATE TABLE tenancy.signing_keys (
    kid text NOT NULL,
    algorithm text NOT NULL,
    public_jwk jsonb NOT NULL,
    sealed_private bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    active_from timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone,
    remove_at timestamp with time zone,
    CONSTRAINT signing_keys_algorithm_check CHECK ((algorithm = ANY (ARRAY['RS256'::text, 'ES256'::text]))),
    CONSTRAINT signing_keys_check CHECK (((replaced_at IS NULL) = (remove_at IS NULL))),
    CONSTRAINT signing_keys_check1 CHECK (((replaced_at IS NULL) = (sealed_private IS NOT NULL)))
);

ALTER TABLE ONLY tenancy.signing_keys FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.signing_keys.sealed_private IS 'PKCS 8, encrypted by a key that is not in this database; gone once replaced';

COMMENT ON COLUMN tenancy.signing_keys.active_from IS 'signs from then on; published from the beginning, so that everybody knows it in time';

COMMENT ON COLUMN tenancy.signing_keys.remove_at IS 'when the last token that it signed has expired';

CREATE TABLE tenancy.stack_leases (
    stack text NOT NULL,
    holder text NOT NULL,
    number bigint DEFAULT 1 NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE tenancy.users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    password_hash text,
    platform_role text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    password_changed_at timestamp with time zone,
    disabled_at timestamp with time zone,
    CONSTRAINT users_email_check CHECK (((email = lower(email)) AND (email <> ''::text))),
    CONSTRAINT users_platform_role_check CHECK ((platform_role = ANY (ARRAY['operator'::text, 'auditor'::text])))
);

ALTER TABLE ONLY tenancy.users FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.users IS 'Accounts. An account is made when somebody shows, by a mailed token, that the address is theirs.';

COMMENT ON COLUMN tenancy.users.password_hash IS 'Argon2id in PHC form; null: nobody can log in with a password';

ALTER TABLE ONLY tenancy.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY tenancy.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (org_id, seq);

ALTER TABLE ONLY tenancy.authorization_codes
    ADD CONSTRAINT authorization_codes_pkey PRIMARY KEY (code_hash);

ALTER TABLE ONLY tenancy.client_consents
    ADD CONSTRAINT client_consents_pkey PRIMARY KEY (user_id, client_id);

ALTER TABLE ONLY tenancy.config_change_sets
    ADD CONSTRAINT config_change_sets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.config_epoch
    ADD CONSTRAINT config_epoch_pkey PRIMARY KEY (one);

ALTER TABLE ONLY tenancy.config_heads
    ADD CONSTRAINT config_heads_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY tenancy.config_history
    ADD CONSTRAINT config_history_org_id_service_key_version_key UNIQUE (org_id, service, key, version);

ALTER TABLE ONLY tenancy.config_history
    ADD CONSTRAINT config_history_pkey PRIMARY KEY (org_id, id);

ALTER TABLE ONLY tenancy.deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (environment, stack);

ALTER TABLE ONLY tenancy.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (org_id, id);

ALTER TABLE ONLY tenancy.drift_reports
    ADD CONSTRAINT drift_reports_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY tenancy.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.invitations
    ADD CONSTRAINT invitations_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY tenancy.issued_tokens
    ADD CONSTRAINT issued_tokens_pkey PRIMARY KEY (jti);

ALTER TABLE ONLY tenancy.known_networks
    ADD CONSTRAINT known_networks_pkey PRIMARY KEY (email, network);

ALTER TABLE ONLY tenancy.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (org_id, email);

ALTER TABLE ONLY tenancy.notes
    ADD CONSTRAINT notes_pkey PRIMARY KEY (org_id, id);

ALTER TABLE ONLY tenancy.oauth_clients
    ADD CONSTRAINT oauth_clients_pkey PRIMARY KEY (client_id);

ALTER TABLE ONLY tenancy.operation_steps
    ADD CONSTRAINT operation_steps_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.operations
    ADD CONSTRAINT operations_caller_idempotency_key_key UNIQUE (caller, idempotency_key);

ALTER TABLE ONLY tenancy.operations
    ADD CONSTRAINT operations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.organization_roles
    ADD CONSTRAINT organization_roles_org_id_generation_key UNIQUE (org_id, generation);

ALTER TABLE ONLY tenancy.organization_roles
    ADD CONSTRAINT organization_roles_pkey PRIMARY KEY (role_name);

ALTER TABLE ONLY tenancy.organizations
    ADD CONSTRAINT organizations_operation_id_key UNIQUE (operation_id);

ALTER TABLE ONLY tenancy.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.password_tokens
    ADD CONSTRAINT password_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY tenancy.placements
    ADD CONSTRAINT placements_pkey PRIMARY KEY (environment, slug);

ALTER TABLE ONLY tenancy.pod_credentials
    ADD CONSTRAINT pod_credentials_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY tenancy.pod_credentials
    ADD CONSTRAINT pod_credentials_username_key UNIQUE (username);

ALTER TABLE ONLY tenancy.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (org_id, id);

ALTER TABLE ONLY tenancy.quota_changes
    ADD CONSTRAINT quota_changes_pkey PRIMARY KEY (org_id, id);

ALTER TABLE ONLY tenancy.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY tenancy.revocation_head
    ADD CONSTRAINT revocation_head_pkey PRIMARY KEY (one);

ALTER TABLE ONLY tenancy.revoked_tokens
    ADD CONSTRAINT revoked_tokens_pkey PRIMARY KEY (jti);

ALTER TABLE ONLY tenancy.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY tenancy.service_configs
    ADD CONSTRAINT service_configs_pkey PRIMARY KEY (org_id, service, key);

ALTER TABLE ONLY tenancy.sessions
    ADD CONSTRAINT sessions_browser_hash_key UNIQUE (browser_hash);

ALTER TABLE ONLY tenancy.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.sign_up_rates
    ADD CONSTRAINT sign_up_rates_pkey PRIMARY KEY (address);

ALTER TABLE ONLY tenancy.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (kid);

ALTER TABLE ONLY tenancy.stack_leases
    ADD CONSTRAINT stack_leases_pkey PRIMARY KEY (stack);

ALTER TABLE ONLY tenancy.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY tenancy.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX client_consents_of ON tenancy.client_consents USING btree (client_id);

CREATE INDEX config_change_sets_due ON tenancy.config_change_sets USING btree (apply_at) WHERE (state = 'SCHEDULED'::text);

CREATE INDEX config_change_sets_of ON tenancy.config_change_sets USING btree (org_id, created_at);

CREATE INDEX config_history_at ON tenancy.config_history USING btree (org_id, revision);

CREATE INDEX documents_deleted ON tenancy.documents USING btree (org_id, created_at, id) WHERE (NOT living);

CREATE INDEX documents_living ON tenancy.documents USING btree (org_id, created_at, id) WHERE living;

CREATE UNIQUE INDEX documents_name ON tenancy.documents USING btree (org_id, name) WHERE living;

CREATE INDEX documents_of ON tenancy.documents USING btree (org_id, project_id) WHERE (project_id IS NOT NULL);

CREATE UNIQUE INDEX invitations_open ON tenancy.invitations USING btree (org_id, email) WHERE ((accepted_at IS NULL) AND (withdrawn_at IS NULL));

CREATE INDEX issued_tokens_end ON tenancy.issued_tokens USING btree (expires_at);

CREATE INDEX issued_tokens_of_org ON tenancy.issued_tokens USING btree (org_id);

CREATE INDEX issued_tokens_of_session ON tenancy.issued_tokens USING btree (session_id);

CREATE INDEX issued_tokens_of_user ON tenancy.issued_tokens USING btree (user_id);

CREATE INDEX memberships_of ON tenancy.memberships USING btree (email);

CREATE INDEX notes_deleted ON tenancy.notes USING btree (org_id, project_id, created_at, id) WHERE (NOT living);

CREATE INDEX notes_living ON tenancy.notes USING btree (org_id, project_id, created_at, id) WHERE living;

CREATE INDEX operation_steps_of ON tenancy.operation_steps USING btree (operation_id, id);

CREATE INDEX operations_of ON tenancy.operations USING btree (org_id, created_at);

CREATE UNIQUE INDEX operations_one_at_a_time ON tenancy.operations USING btree (org_id) WHERE (state = 'PENDING'::text);

CREATE INDEX operations_open ON tenancy.operations USING btree (lease_until) WHERE ((ended_at IS NULL) OR (saved_at IS NULL));

CREATE UNIQUE INDEX organizations_slug_key ON tenancy.organizations USING btree (slug) WHERE ((status <> 'DELETED'::text) OR (committed_at IS NOT NULL));

CREATE INDEX outbox_waiting ON tenancy.outbox USING btree (id) WHERE (published_at IS NULL);

CREATE INDEX password_tokens_of ON tenancy.password_tokens USING btree (email);

CREATE INDEX projects_deleted ON tenancy.projects USING btree (org_id, created_at, id) WHERE (NOT living);

CREATE INDEX projects_living ON tenancy.projects USING btree (org_id, created_at, id) WHERE living;

CREATE UNIQUE INDEX projects_name ON tenancy.projects USING btree (org_id, name) WHERE living;

CREATE INDEX refresh_tokens_of ON tenancy.refresh_tokens USING btree (session_id);

CREATE INDEX revoked_tokens_end ON tenancy.revoked_tokens USING btree (expires_at);

CREATE INDEX revoked_tokens_newer ON tenancy.revoked_tokens USING btree (seq);

CREATE INDEX service_configs_newer ON tenancy.service_configs USING btree (org_id, revision);

CREATE INDEX sessions_below ON tenancy.sessions USING btree (root);

CREATE INDEX sessions_of ON tenancy.sessions USING btree (user_id);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenancy.audit_log FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenancy.config_history FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenancy.operation_steps FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenancy.quota_changes FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE TRIGGER audit_change_set AFTER INSERT ON tenancy.config_change_sets FOR EACH ROW EXECUTE FUNCTION tenancy.audit_change_set();

CREATE TRIGGER audit_change_set_end AFTER UPDATE OF state ON tenancy.config_change_sets FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION tenancy.audit_change_set();

CREATE TRIGGER audit_client AFTER INSERT OR DELETE OR UPDATE ON tenancy.oauth_clients FOR EACH ROW EXECUTE FUNCTION tenancy.audit_client();

CREATE TRIGGER audit_end AFTER UPDATE OF state ON tenancy.operations FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION tenancy.audit_operation();

CREATE TRIGGER audit_invitation AFTER INSERT ON tenancy.invitations FOR EACH ROW EXECUTE FUNCTION tenancy.audit_invitation();

CREATE TRIGGER audit_invitation_end AFTER UPDATE ON tenancy.invitations FOR EACH ROW WHEN (((old.accepted_at IS DISTINCT FROM new.accepted_at) OR (old.withdrawn_at IS DISTINCT FROM new.withdrawn_at))) EXECUTE FUNCTION tenancy.audit_invitation();

CREATE TRIGGER audit_key AFTER INSERT ON tenancy.signing_keys FOR EACH ROW EXECUTE FUNCTION tenancy.audit_key();

CREATE TRIGGER audit_key_end AFTER UPDATE ON tenancy.signing_keys FOR EACH ROW WHEN ((old.replaced_at IS DISTINCT FROM new.replaced_at)) EXECUTE FUNCTION tenancy.audit_key();

CREATE TRIGGER audit_membership AFTER INSERT OR DELETE ON tenancy.memberships FOR EACH ROW EXECUTE FUNCTION tenancy.audit_membership();

CREATE TRIGGER audit_request AFTER INSERT ON tenancy.operations FOR EACH ROW EXECUTE FUNCTION tenancy.audit_operation();

CREATE TRIGGER audit_role AFTER UPDATE ON tenancy.memberships FOR EACH ROW WHEN ((old.role IS DISTINCT FROM new.role)) EXECUTE FUNCTION tenancy.audit_membership();

CREATE TRIGGER audit_setting_insert AFTER INSERT ON tenancy.service_configs FOR EACH ROW WHEN ((new.source = 'api'::text)) EXECUTE FUNCTION tenancy.audit_setting();

CREATE TRIGGER audit_setting_update AFTER UPDATE ON tenancy.service_configs FOR EACH ROW WHEN (((new.source = 'api'::text) AND (old.version <> new.version))) EXECUTE FUNCTION tenancy.audit_setting();

CREATE TRIGGER audit_user AFTER INSERT OR UPDATE ON tenancy.users FOR EACH ROW EXECUTE FUNCTION tenancy.audit_user();

CREATE TRIGGER count_version BEFORE UPDATE ON tenancy.documents FOR EACH ROW EXECUTE FUNCTION tenancy.count_version();

CREATE TRIGGER count_version BEFORE UPDATE ON tenancy.notes FOR EACH ROW EXECUTE FUNCTION tenancy.count_version();

CREATE TRIGGER count_version BEFORE UPDATE ON tenancy.projects FOR EACH ROW EXECUTE FUNCTION tenancy.count_version();

CREATE TRIGGER end_memberships AFTER UPDATE OF status ON tenancy.organizations FOR EACH ROW WHEN (((new.status = 'DELETED'::text) AND (old.status <> 'DELETED'::text))) EXECUTE FUNCTION tenancy.end_memberships();

CREATE TRIGGER end_standing_delete AFTER DELETE ON tenancy.memberships FOR EACH ROW EXECUTE FUNCTION tenancy.end_standing();

CREATE TRIGGER end_standing_update AFTER UPDATE ON tenancy.memberships FOR EACH ROW WHEN ((old.role IS DISTINCT FROM new.role)) EXECUTE FUNCTION tenancy.end_standing();

CREATE TRIGGER end_user AFTER UPDATE ON tenancy.users FOR EACH ROW WHEN (((old.platform_role IS DISTINCT FROM new.platform_role) OR ((old.disabled_at IS NULL) <> (new.disabled_at IS NULL)))) EXECUTE FUNCTION tenancy.end_user();

CREATE TRIGGER guard_version BEFORE UPDATE ON tenancy.service_configs FOR EACH ROW EXECUTE FUNCTION tenancy.guard_config_version();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON tenancy.documents FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON tenancy.notes FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_truncate();

CREATE TRIGGER no_truncate BEFORE TRUNCATE ON tenancy.projects FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_truncate();

CREATE TRIGGER record_insert AFTER INSERT ON tenancy.service_configs FOR EACH ROW EXECUTE FUNCTION tenancy.record_config_change();

CREATE TRIGGER record_quota_insert AFTER INSERT ON tenancy.organizations FOR EACH ROW EXECUTE FUNCTION tenancy.record_quota_change();

CREATE TRIGGER record_quota_update AFTER UPDATE OF quota ON tenancy.organizations FOR EACH ROW WHEN ((old.quota IS DISTINCT FROM new.quota)) EXECUTE FUNCTION tenancy.record_quota_change();

CREATE TRIGGER record_update AFTER UPDATE ON tenancy.service_configs FOR EACH ROW WHEN ((old.version <> new.version)) EXECUTE FUNCTION tenancy.record_config_change();

CREATE TRIGGER set_revision_insert BEFORE INSERT ON tenancy.service_configs FOR EACH ROW EXECUTE FUNCTION tenancy.set_config_revision();

CREATE TRIGGER set_revision_update BEFORE UPDATE ON tenancy.service_configs FOR EACH ROW WHEN ((old.version <> new.version)) EXECUTE FUNCTION tenancy.set_config_revision();

ALTER TABLE ONLY tenancy.audit_log
    ADD CONSTRAINT audit_log_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.authorization_codes
    ADD CONSTRAINT authorization_codes_client_id_fkey FOREIGN KEY (client_id) REFERENCES tenancy.oauth_clients(client_id) ON DELETE CASCADE;

ALTER TABLE ONLY tenancy.authorization_codes
    ADD CONSTRAINT authorization_codes_root_fkey FOREIGN KEY (root) REFERENCES tenancy.sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY tenancy.client_consents
    ADD CONSTRAINT client_consents_client_id_fkey FOREIGN KEY (client_id) REFERENCES tenancy.oauth_clients(client_id) ON DELETE CASCADE;

ALTER TABLE ONLY tenancy.client_consents
    ADD CONSTRAINT client_consents_user_id_fkey FOREIGN KEY (user_id) REFERENCES tenancy.users(id);

ALTER TABLE ONLY tenancy.config_change_sets
    ADD CONSTRAINT config_change_sets_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.config_heads
    ADD CONSTRAINT config_heads_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.config_history
    ADD CONSTRAINT config_history_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.documents
    ADD CONSTRAINT documents_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.documents
    ADD CONSTRAINT documents_org_id_project_id_fkey FOREIGN KEY (org_id, project_id) REFERENCES tenancy.projects(org_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY tenancy.drift_reports
    ADD CONSTRAINT drift_reports_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.invitations
    ADD CONSTRAINT invitations_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.memberships
    ADD CONSTRAINT memberships_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.notes
    ADD CONSTRAINT notes_org_id_project_id_fkey FOREIGN KEY (org_id, project_id) REFERENCES tenancy.projects(org_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY tenancy.oauth_clients
    ADD CONSTRAINT oauth_clients_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.operation_steps
    ADD CONSTRAINT operation_steps_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES tenancy.operations(id);

ALTER TABLE ONLY tenancy.operation_steps
    ADD CONSTRAINT operation_steps_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.operations
    ADD CONSTRAINT operations_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.organization_roles
    ADD CONSTRAINT organization_roles_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.outbox
    ADD CONSTRAINT outbox_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.pod_credentials
    ADD CONSTRAINT pod_credentials_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.projects
    ADD CONSTRAINT projects_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.quota_changes
    ADD CONSTRAINT quota_changes_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.refresh_tokens
    ADD CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES tenancy.sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY tenancy.service_configs
    ADD CONSTRAINT service_configs_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.sessions
    ADD CONSTRAINT sessions_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.sessions
    ADD CONSTRAINT sessions_root_fkey FOREIGN KEY (root) REFERENCES tenancy.sessions(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY tenancy.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES tenancy.users(id);

ALTER TABLE tenancy.audit_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.authorization_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.client_consents ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_change_sets ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_epoch ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_history ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.documents ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.drift_reports ENABLE ROW LEVEL SECURITY;

CREATE POLICY epoch ON tenancy.config_epoch FOR SELECT TO agent_ready_app, agent_ready_tenant USING (true);

ALTER TABLE tenancy.invitations ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.issued_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.known_networks ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.memberships ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.notes ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.oauth_clients ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.operation_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.operations ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.organization_roles ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.organizations ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.outbox ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON tenancy.audit_heads FOR SELECT TO agent_ready_app USING ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.audit_log FOR SELECT TO agent_ready_app USING ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.config_change_sets TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.config_heads FOR SELECT TO agent_ready_app USING ((org_id = ANY (ARRAY[(0)::bigint, tenancy.current_org()])));

CREATE POLICY own_organization ON tenancy.config_history FOR SELECT TO agent_ready_app USING ((org_id = ANY (ARRAY[(0)::bigint, tenancy.current_org()])));

CREATE POLICY own_organization ON tenancy.documents TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.drift_reports TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.invitations FOR SELECT TO agent_ready_app USING ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.memberships FOR SELECT TO agent_ready_app USING ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.notes TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.operation_steps TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.operations TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.organizations TO agent_ready_app USING ((id = tenancy.current_org())) WITH CHECK ((id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.outbox TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.projects TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.quota_changes TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization ON tenancy.service_configs FOR SELECT TO agent_ready_app USING ((org_id = ANY (ARRAY[(0)::bigint, tenancy.current_org()])));

CREATE POLICY own_organization_insert ON tenancy.service_configs FOR INSERT TO agent_ready_app WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_organization_update ON tenancy.service_configs FOR UPDATE TO agent_ready_app USING ((org_id = tenancy.current_org())) WITH CHECK ((org_id = tenancy.current_org()));

CREATE POLICY own_session ON tenancy.config_heads FOR SELECT TO agent_ready_tenant USING ((org_id = ANY (ARRAY[(0)::bigint, tenancy.session_org()])));

CREATE POLICY own_session ON tenancy.config_history FOR SELECT TO agent_ready_tenant USING ((org_id = ANY (ARRAY[(0)::bigint, tenancy.session_org()])));

CREATE POLICY own_session ON tenancy.documents TO agent_ready_tenant USING ((org_id = tenancy.session_org())) WITH CHECK ((org_id = tenancy.session_org()));

CREATE POLICY own_session ON tenancy.notes TO agent_ready_tenant USING ((org_id = tenancy.session_org())) WITH CHECK ((org_id = tenancy.session_org()));

CREATE POLICY own_session ON tenancy.organizations TO agent_ready_tenant USING ((id = tenancy.session_org())) WITH CHECK ((id = tenancy.session_org()));

CREATE POLICY own_session ON tenancy.projects TO agent_ready_tenant USING ((org_id = tenancy.session_org())) WITH CHECK ((org_id = tenancy.session_org()));

CREATE POLICY own_session ON tenancy.quota_changes TO agent_ready_tenant USING ((org_id = tenancy.session_org())) WITH CHECK ((org_id = tenancy.session_org()));

CREATE POLICY own_session ON tenancy.service_configs FOR SELECT TO agent_ready_tenant USING ((org_id = ANY (ARRAY[(0)::bigint, tenancy.session_org()])));

ALTER TABLE tenancy.password_tokens ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform ON tenancy.audit_heads TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.audit_log TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.authorization_codes TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.client_consents TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.config_change_sets TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.config_epoch TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.config_heads TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.config_history TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.documents TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.drift_reports TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.invitations TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.issued_tokens TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.known_networks TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.memberships TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.notes TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.oauth_clients TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.operation_steps TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.operations TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.organization_roles TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.organizations TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.outbox TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.password_tokens TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.pod_credentials TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.projects TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.quota_changes TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.refresh_tokens TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.revocation_head TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.revoked_tokens TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.service_configs TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.sessions TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.signing_keys TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.users TO agent_ready_platform USING (true) WITH CHECK (true);

ALTER TABLE tenancy.pod_credentials ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.projects ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.quota_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.refresh_tokens ENABLE ROW LEVEL SECURITY;

CREATE POLICY relay ON tenancy.config_epoch FOR SELECT TO agent_ready_relay USING (true);

CREATE POLICY relay ON tenancy.config_heads FOR SELECT TO agent_ready_relay USING (true);

CREATE POLICY relay ON tenancy.pod_credentials FOR SELECT TO agent_ready_relay USING (true);

CREATE POLICY relay ON tenancy.service_configs FOR SELECT TO agent_ready_relay USING (true);

ALTER TABLE tenancy.revocation_head ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.revoked_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.service_configs ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.signing_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.users ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA tenancy TO agent_ready_app;
GRANT USAGE ON SCHEMA tenancy TO agent_ready_tenant;
GRANT USAGE ON SCHEMA tenancy TO agent_ready_relay;

REVOKE ALL ON FUNCTION tenancy.actor() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.actor() TO agent_ready_app;
GRANT ALL ON FUNCTION tenancy.actor() TO agent_ready_tenant;

REVOKE ALL ON FUNCTION tenancy.audit(of_org bigint, action text, target text, old jsonb, new jsonb, actor text, reason text, request_id text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.audit_change_set() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.audit_client() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.audit_invitation() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.audit_key() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.audit_membership() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.audit_operation() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.audit_setting() FROM PUBLIC;

GRANT SELECT ON TABLE tenancy.audit_log TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.audit_text(entry tenancy.audit_log) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_text(entry tenancy.audit_log) TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.audit_user() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.config_epoch() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.config_epoch() TO agent_ready_app;
GRANT ALL ON FUNCTION tenancy.config_epoch() TO agent_ready_tenant;
GRANT ALL ON FUNCTION tenancy.config_epoch() TO agent_ready_relay;

REVOKE ALL ON FUNCTION tenancy.count_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.current_org() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.current_org() TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.drop_login(login name) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.end_memberships() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.end_standing() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.end_user() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.erase(kind text, row_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.erase(kind text, row_id uuid) TO agent_ready_app;
GRANT ALL ON FUNCTION tenancy.erase(kind text, row_id uuid) TO agent_ready_tenant;

REVOKE ALL ON FUNCTION tenancy.guard_config_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.lock_config_head() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.lock_config_head() TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.session_org() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.session_org() TO agent_ready_tenant;

REVOKE ALL ON FUNCTION tenancy.own_org() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.own_org() TO agent_ready_app;
GRANT ALL ON FUNCTION tenancy.own_org() TO agent_ready_tenant;

REVOKE ALL ON FUNCTION tenancy.record_config_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.record_quota_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.refuse_truncate() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.revoke_tokens(why text, of_jti uuid, of_roots uuid[], of_user uuid, of_org bigint, of_client text) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.set_config_revision() FROM PUBLIC;

GRANT SELECT ON TABLE tenancy.audit_heads TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.verify_audit(of_org bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.verify_audit(of_org bigint) TO agent_ready_app;

GRANT SELECT,INSERT,UPDATE ON TABLE tenancy.config_change_sets TO agent_ready_app;

GRANT SELECT ON TABLE tenancy.config_epoch TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.config_epoch TO agent_ready_tenant;
GRANT SELECT ON TABLE tenancy.config_epoch TO agent_ready_relay;

GRANT SELECT ON TABLE tenancy.config_heads TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.config_heads TO agent_ready_tenant;
GRANT SELECT ON TABLE tenancy.config_heads TO agent_ready_relay;

GRANT SELECT ON TABLE tenancy.config_history TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.config_history TO agent_ready_tenant;

GRANT SELECT ON TABLE tenancy.documents TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT INSERT(org_id) ON TABLE tenancy.documents TO agent_ready_app;
GRANT INSERT(org_id) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT INSERT(id) ON TABLE tenancy.documents TO agent_ready_app;
GRANT INSERT(id) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT INSERT(project_id) ON TABLE tenancy.documents TO agent_ready_app;
GRANT INSERT(project_id) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT INSERT(name),UPDATE(name) ON TABLE tenancy.documents TO agent_ready_app;
GRANT INSERT(name),UPDATE(name) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT INSERT(media_type),UPDATE(media_type) ON TABLE tenancy.documents TO agent_ready_app;
GRANT INSERT(media_type),UPDATE(media_type) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT INSERT(content),UPDATE(content) ON TABLE tenancy.documents TO agent_ready_app;
GRANT INSERT(content),UPDATE(content) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT INSERT(created_by) ON TABLE tenancy.documents TO agent_ready_app;
GRANT INSERT(created_by) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT UPDATE(deleted_at) ON TABLE tenancy.documents TO agent_ready_app;
GRANT UPDATE(deleted_at) ON TABLE tenancy.documents TO agent_ready_tenant;

GRANT SELECT(id) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(org_id) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(email) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(role) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(invited_by) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(created_at) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(expires_at) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(accepted_at) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(withdrawn_at) ON TABLE tenancy.invitations TO agent_ready_app;

GRANT SELECT(org_id) ON TABLE tenancy.memberships TO agent_ready_app;

GRANT SELECT(email) ON TABLE tenancy.memberships TO agent_ready_app;

GRANT SELECT(role) ON TABLE tenancy.memberships TO agent_ready_app;

GRANT SELECT(since) ON TABLE tenancy.memberships TO agent_ready_app;

GRANT SELECT ON TABLE tenancy.notes TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT INSERT(org_id) ON TABLE tenancy.notes TO agent_ready_app;
GRANT INSERT(org_id) ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT INSERT(id) ON TABLE tenancy.notes TO agent_ready_app;
GRANT INSERT(id) ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT INSERT(project_id) ON TABLE tenancy.notes TO agent_ready_app;
GRANT INSERT(project_id) ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT INSERT(title),UPDATE(title) ON TABLE tenancy.notes TO agent_ready_app;
GRANT INSERT(title),UPDATE(title) ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT INSERT(body),UPDATE(body) ON TABLE tenancy.notes TO agent_ready_app;
GRANT INSERT(body),UPDATE(body) ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT INSERT(created_by) ON TABLE tenancy.notes TO agent_ready_app;
GRANT INSERT(created_by) ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT UPDATE(deleted_at) ON TABLE tenancy.notes TO agent_ready_app;
GRANT UPDATE(deleted_at) ON TABLE tenancy.notes TO agent_ready_tenant;

GRANT SELECT ON TABLE tenancy.organizations TO agent_ready_app;

GRANT SELECT(id) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT(slug) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT(name) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT(plan) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT(status) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT(created_at) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT(committed_at) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT(quota) ON TABLE tenancy.organizations TO agent_ready_tenant;

GRANT SELECT ON TABLE tenancy.outbox TO agent_ready_app;

GRANT UPDATE(published_at) ON TABLE tenancy.outbox TO agent_ready_app;

GRANT SELECT ON TABLE tenancy.pod_credentials TO agent_ready_relay;

GRANT SELECT ON TABLE tenancy.projects TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.projects TO agent_ready_tenant;

GRANT INSERT(org_id) ON TABLE tenancy.projects TO agent_ready_app;
GRANT INSERT(org_id) ON TABLE tenancy.projects TO agent_ready_tenant;

GRANT INSERT(id) ON TABLE tenancy.projects TO agent_ready_app;
GRANT INSERT(id) ON TABLE tenancy.projects TO agent_ready_tenant;

GRANT INSERT(name),UPDATE(name) ON TABLE tenancy.projects TO agent_ready_app;
GRANT INSERT(name),UPDATE(name) ON TABLE tenancy.projects TO agent_ready_tenant;

GRANT INSERT(description),UPDATE(description) ON TABLE tenancy.projects TO agent_ready_app;
GRANT INSERT(description),UPDATE(description) ON TABLE tenancy.projects TO agent_ready_tenant;

GRANT INSERT(created_by) ON TABLE tenancy.projects TO agent_ready_app;
GRANT INSERT(created_by) ON TABLE tenancy.projects TO agent_ready_tenant;

GRANT UPDATE(deleted_at) ON TABLE tenancy.projects TO agent_ready_app;
GRANT UPDATE(deleted_at) ON TABLE tenancy.projects TO agent_ready_tenant;

GRANT SELECT ON TABLE tenancy.quota_changes TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.quota_changes TO agent_ready_tenant;

GRANT SELECT,INSERT,UPDATE ON TABLE tenancy.service_configs TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.service_configs TO agent_ready_tenant;
GRANT SELECT ON TABLE tenancy.service_configs TO agent_ready_relay;
