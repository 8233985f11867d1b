-- The audit log: every administrative act, one chain of hashes for each organization and one (0) for the platform.
--
-- Entries are written by the change itself, as histories are. An entry's hash covers the one before it: who changes, removes
-- or inserts one has to change all that follow, and the head that was exported before.

create table tenancy.audit_heads (
  org_id bigint primary key,
  seq bigint not null,
  hash bytea not null
);
create table tenancy.audit_log (
  org_id bigint not null,
  owner bigint generated always as (nullif(org_id, 0)) stored references tenancy.organizations,
  seq bigint not null,
  at timestamptz not null,
  actor text not null,
  action text not null,
  target text not null,
  old jsonb,
  new jsonb,
  reason text not null,
  request_id text not null,
  previous bytea not null,
  hash bytea not null,
  primary key (org_id, seq)
);
comment on column tenancy.audit_log.org_id is 'the organization; 0: the platform';
comment on column tenancy.audit_log.hash is 'SHA-256 of the hash before it and of tenancy.audit_text(entry) in UTF-8';
create trigger append_only before update or delete or truncate on tenancy.audit_log
  for each statement execute function tenancy.refuse_change();

-- The one spelling of an entry that is hashed and exported: jsonb orders its keys.
create function tenancy.audit_text(entry tenancy.audit_log) returns text
  language sql immutable
  return jsonb_build_object(
    'org_id', entry.org_id, 'seq', entry.seq,
    'at', to_char(entry.at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'actor', entry.actor, 'action', entry.action, 'target', entry.target, 'old', entry.old, 'new', entry.new,
    'reason', entry.reason, 'request_id', entry.request_id)::text;

create function tenancy.audit(
  of_org bigint, action text, target text, old jsonb, new jsonb,
  actor text default null, reason text default null, request_id text default null
) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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

-- What is wrong with a chain: entries whose hash, predecessor or number does not fit, and a head that is not the last one.
create function tenancy.verify_audit(of_org bigint) returns table (seq bigint, problem text)
  language sql stable set search_path = pg_catalog, pg_temp
begin atomic
  with chained as (
    select l.seq, l.hash, l.previous, lag(l.hash, 1, ''::bytea) over (order by l.seq) as before,
      lag(l.seq, 1, 0::bigint) over (order by l.seq) as number_before,
      sha256(l.previous || convert_to(tenancy.audit_text(l), 'UTF8')) as computed
    from tenancy.audit_log l where l.org_id = of_org
  )
  select c.seq, case
      when c.seq <> c.number_before + 1 then format('entries %s to %s are missing', c.number_before + 1, c.seq - 1)
      when c.previous <> c.before then 'it does not follow the entry before it'
      else 'it was changed after it was written' end
  from chained c
  where c.seq <> c.number_before + 1 or c.previous <> c.before or c.hash <> c.computed
  union all
  select h.seq, 'the newest entries are missing, or the head was changed'
  from tenancy.audit_heads h
  where h.org_id = of_org
    and (h.seq, h.hash) is distinct from (select (c.seq, c.hash) from chained c order by c.seq desc limit 1)
  order by 1;
end;

-- Operations: what was asked for, and how it ended.
alter table tenancy.operations add column request_id text not null default '';
create function tenancy.audit_operation() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
create trigger audit_request after insert on tenancy.operations
  for each row execute function tenancy.audit_operation();
create trigger audit_end after update of state on tenancy.operations
  for each row when (old.state is distinct from new.state) execute function tenancy.audit_operation();

-- Memberships.
create function tenancy.audit_membership() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform tenancy.audit(
    case tg_op when 'DELETE' then old.org_id else new.org_id end,
    case tg_op when 'INSERT' then 'member added' when 'UPDATE' then 'member changed' else 'member removed' end,
    case tg_op when 'DELETE' then old.email else new.email end,
    case when tg_op <> 'INSERT' then jsonb_build_object('role', old.role) end,
    case when tg_op <> 'DELETE' then jsonb_build_object('role', new.role) end);
  return null;
end $$;
create trigger audit_membership after insert or delete on tenancy.memberships
  for each row execute function tenancy.audit_membership();
create trigger audit_role after update on tenancy.memberships
  for each row when (old.role is distinct from new.role) execute function tenancy.audit_membership();

create function tenancy.audit_invitation() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform tenancy.audit(new.org_id,
    case when tg_op = 'INSERT' then 'invitation made' when new.accepted_at is not null then 'invitation accepted'
      else 'invitation withdrawn' end,
    new.email, null, jsonb_build_object('role', new.role, 'expires_at', new.expires_at));
  return null;
end $$;
create trigger audit_invitation after insert on tenancy.invitations
  for each row execute function tenancy.audit_invitation();
create trigger audit_invitation_end after update on tenancy.invitations
  for each row when (old.accepted_at is distinct from new.accepted_at or old.withdrawn_at is distinct from new.withdrawn_at)
  execute function tenancy.audit_invitation();

-- Accounts that are made, staff, disabled accounts, changed passwords: the platform's chain.
create function tenancy.audit_user() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
create trigger audit_user after insert or update on tenancy.users
  for each row execute function tenancy.audit_user();

create function tenancy.audit_client() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
create trigger audit_client after insert or update or delete on tenancy.oauth_clients
  for each row execute function tenancy.audit_client();

create function tenancy.audit_key() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform tenancy.audit(0, case when tg_op = 'INSERT' then 'signing key added' else 'signing key replaced' end, new.kid,
    null, jsonb_build_object('active_from', new.active_from, 'remove_at', new.remove_at));
  return null;
end $$;
create trigger audit_key after insert on tenancy.signing_keys
  for each row execute function tenancy.audit_key();
create trigger audit_key_end after update on tenancy.signing_keys
  for each row when (old.replaced_at is distinct from new.replaced_at) execute function tenancy.audit_key();

-- Settings that somebody wrote (defaults from the catalog are in Git), and changes that wait for a time or an approval.
create function tenancy.audit_setting() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform tenancy.audit(new.org_id, 'setting changed', new.service || '/' || new.key,
    jsonb_build_object('value', case when tg_op = 'UPDATE' then old.value end),
    jsonb_build_object('value', new.value, 'version', new.version));
  return null;
end $$;
create trigger audit_setting_insert after insert on tenancy.service_configs
  for each row when (new.source = 'api') execute function tenancy.audit_setting();
create trigger audit_setting_update after update on tenancy.service_configs
  for each row when (new.source = 'api' and old.version <> new.version) execute function tenancy.audit_setting();

create function tenancy.audit_change_set() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform tenancy.audit(new.org_id, 'change set ' || lower(new.state), new.id::text, null,
    jsonb_build_object('changes', new.changes, 'apply_at', new.apply_at, 'approver', new.approver),
    coalesce(new.ended_by, new.approver, new.actor), coalesce(new.note, new.reason));
  return null;
end $$;
create trigger audit_change_set after insert on tenancy.config_change_sets
  for each row execute function tenancy.audit_change_set();
create trigger audit_change_set_end after update of state on tenancy.config_change_sets
  for each row when (old.state is distinct from new.state) execute function tenancy.audit_change_set();

do $$
declare
  item record;
begin
  for item in select * from (values ('audit_heads'), ('audit_log')) t (name)
  loop
    execute format('alter table tenancy.%I enable row level security, force row level security', item.name);
    execute format('create policy platform on tenancy.%I to current_user using (true) with check (true)', item.name);
    execute format('create policy own_organization on tenancy.%I for select to agent_ready_app '
                   'using (org_id = (select tenancy.current_org()))', item.name);
  end loop;
end $$;

revoke execute on function tenancy.audit_text(tenancy.audit_log),
  tenancy.audit(bigint, text, text, jsonb, jsonb, text, text, text), tenancy.verify_audit(bigint),
  tenancy.audit_operation(), tenancy.audit_membership(), tenancy.audit_invitation(), tenancy.audit_user(),
  tenancy.audit_client(), tenancy.audit_key(), tenancy.audit_setting(), tenancy.audit_change_set() from public;
grant select on tenancy.audit_log, tenancy.audit_heads to agent_ready_app;
grant execute on function tenancy.audit_text(tenancy.audit_log), tenancy.verify_audit(bigint) to agent_ready_app;
