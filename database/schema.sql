-- What the migrations lead to. Written by `python -m database.dump`; a test compares it with a fresh database.

CREATE SCHEMA tenancy;

CREATE FUNCTION tenancy.actor() RETURNS text
    LANGUAGE sql STABLE
    RETURN COALESCE(NULLIF(current_setting('app.actor'::text, true), ''::text), (SESSION_USER)::text);

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

CREATE TABLE tenancy.drift_reports (
    org_id bigint NOT NULL,
    checked_at timestamp with time zone DEFAULT now() NOT NULL,
    items jsonb NOT NULL
);

ALTER TABLE ONLY tenancy.drift_reports FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE tenancy.drift_reports IS 'What differed between an organization''s stack, rows and cluster when it was last compared; nothing if items is empty.';

COMMENT ON COLUMN tenancy.drift_reports.items IS 'a list of {kind, name, problem}; never a secret';

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

ALTER TABLE ONLY tenancy.outbox FORCE ROW LEVEL SECURITY;

ALTER TABLE tenancy.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tenancy.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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

ALTER TABLE ONLY tenancy.quota_changes FORCE ROW LEVEL SECURITY;

ALTER TABLE tenancy.quota_changes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tenancy.quota_changes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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

ALTER TABLE ONLY tenancy.service_configs FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN tenancy.service_configs.value IS 'null: unset again. The row stays, because a version must never run backwards.';

COMMENT ON COLUMN tenancy.service_configs.source IS 'Who wrote last. The catalog only ever replaces its own values; what the API wrote belongs to the API.';

COMMENT ON COLUMN tenancy.service_configs.revision IS 'The change set of its organization that changed it last. Several keys of one transaction share one.';

CREATE UNLOGGED TABLE tenancy.sign_up_rates (
    address bytea NOT NULL,
    full_at timestamp with time zone NOT NULL,
    wait double precision DEFAULT 0 NOT NULL
);

COMMENT ON COLUMN tenancy.sign_up_rates.address IS 'HMAC-SHA256 of the network that an address belongs to; never the address';

COMMENT ON COLUMN tenancy.sign_up_rates.full_at IS 'when the bucket is full again; from then on its row means nothing';

COMMENT ON COLUMN tenancy.sign_up_rates.wait IS 'what the last attempt was told, in seconds; 0 if it took a token';

CREATE TABLE tenancy.stack_leases (
    stack text NOT NULL,
    holder text NOT NULL,
    number bigint DEFAULT 1 NOT NULL,
    until timestamp with time zone NOT NULL
);

ALTER TABLE ONLY tenancy.config_change_sets
    ADD CONSTRAINT config_change_sets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.config_epoch
    ADD CONSTRAINT config_epoch_pkey PRIMARY KEY (one);

ALTER TABLE ONLY tenancy.config_heads
    ADD CONSTRAINT config_heads_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY tenancy.config_history
    ADD CONSTRAINT config_history_org_id_service_key_version_key UNIQUE (org_id, service, key, version);

ALTER TABLE ONLY tenancy.config_history
    ADD CONSTRAINT config_history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (environment, stack);

ALTER TABLE ONLY tenancy.drift_reports
    ADD CONSTRAINT drift_reports_pkey PRIMARY KEY (org_id);

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

ALTER TABLE ONLY tenancy.placements
    ADD CONSTRAINT placements_pkey PRIMARY KEY (environment, slug);

ALTER TABLE ONLY tenancy.pod_credentials
    ADD CONSTRAINT pod_credentials_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY tenancy.pod_credentials
    ADD CONSTRAINT pod_credentials_username_key UNIQUE (username);

ALTER TABLE ONLY tenancy.quota_changes
    ADD CONSTRAINT quota_changes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tenancy.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY tenancy.service_configs
    ADD CONSTRAINT service_configs_pkey PRIMARY KEY (org_id, service, key);

ALTER TABLE ONLY tenancy.sign_up_rates
    ADD CONSTRAINT sign_up_rates_pkey PRIMARY KEY (address);

ALTER TABLE ONLY tenancy.stack_leases
    ADD CONSTRAINT stack_leases_pkey PRIMARY KEY (stack);

CREATE INDEX config_change_sets_due ON tenancy.config_change_sets USING btree (apply_at) WHERE (state = 'SCHEDULED'::text);

CREATE INDEX config_change_sets_of ON tenancy.config_change_sets USING btree (org_id, created_at);

CREATE INDEX config_history_at ON tenancy.config_history USING btree (org_id, revision);

CREATE INDEX operation_steps_of ON tenancy.operation_steps USING btree (operation_id, id);

CREATE INDEX operations_of ON tenancy.operations USING btree (org_id, created_at);

CREATE UNIQUE INDEX operations_one_at_a_time ON tenancy.operations USING btree (org_id) WHERE (state = 'PENDING'::text);

CREATE INDEX operations_open ON tenancy.operations USING btree (lease_until) WHERE ((ended_at IS NULL) OR (saved_at IS NULL));

CREATE UNIQUE INDEX organizations_slug_key ON tenancy.organizations USING btree (slug) WHERE ((status <> 'DELETED'::text) OR (committed_at IS NOT NULL));

CREATE INDEX outbox_waiting ON tenancy.outbox USING btree (id) WHERE (published_at IS NULL);

CREATE INDEX quota_changes_of ON tenancy.quota_changes USING btree (org_id, id);

CREATE INDEX service_configs_newer ON tenancy.service_configs USING btree (org_id, revision);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenancy.config_history FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenancy.operation_steps FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tenancy.quota_changes FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

CREATE TRIGGER guard_version BEFORE UPDATE ON tenancy.service_configs FOR EACH ROW EXECUTE FUNCTION tenancy.guard_config_version();

CREATE TRIGGER record_insert AFTER INSERT ON tenancy.service_configs FOR EACH ROW EXECUTE FUNCTION tenancy.record_config_change();

CREATE TRIGGER record_quota_insert AFTER INSERT ON tenancy.organizations FOR EACH ROW EXECUTE FUNCTION tenancy.record_quota_change();

CREATE TRIGGER record_quota_update AFTER UPDATE OF quota ON tenancy.organizations FOR EACH ROW WHEN ((old.quota IS DISTINCT FROM new.quota)) EXECUTE FUNCTION tenancy.record_quota_change();

CREATE TRIGGER record_update AFTER UPDATE ON tenancy.service_configs FOR EACH ROW WHEN ((old.version <> new.version)) EXECUTE FUNCTION tenancy.record_config_change();

CREATE TRIGGER set_revision_insert BEFORE INSERT ON tenancy.service_configs FOR EACH ROW EXECUTE FUNCTION tenancy.set_config_revision();

CREATE TRIGGER set_revision_update BEFORE UPDATE ON tenancy.service_configs FOR EACH ROW WHEN ((old.version <> new.version)) EXECUTE FUNCTION tenancy.set_config_revision();

ALTER TABLE ONLY tenancy.config_change_sets
    ADD CONSTRAINT config_change_sets_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.config_heads
    ADD CONSTRAINT config_heads_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.config_history
    ADD CONSTRAINT config_history_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.drift_reports
    ADD CONSTRAINT drift_reports_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

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

ALTER TABLE ONLY tenancy.quota_changes
    ADD CONSTRAINT quota_changes_org_id_fkey FOREIGN KEY (org_id) REFERENCES tenancy.organizations(id);

ALTER TABLE ONLY tenancy.service_configs
    ADD CONSTRAINT service_configs_owner_fkey FOREIGN KEY (owner) REFERENCES tenancy.organizations(id);

ALTER TABLE tenancy.config_change_sets ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_epoch ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.config_history ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.drift_reports ENABLE ROW LEVEL SECURITY;

CREATE POLICY epoch ON tenancy.config_epoch FOR SELECT TO agent_ready_app, agent_ready_tenant USING (true);

ALTER TABLE tenancy.operation_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.operations ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.organization_roles ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.organizations ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.outbox ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_organization ON tenancy.config_change_sets TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.config_heads TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.config_history TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.drift_reports TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.operation_steps TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.operations TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.organizations TO agent_ready_app USING ((id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.outbox TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.quota_changes TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_organization ON tenancy.service_configs TO agent_ready_app USING ((org_id = ( SELECT tenancy.current_org() AS current_org))) WITH CHECK ((org_id = ( SELECT tenancy.current_org() AS current_org)));

CREATE POLICY own_session ON tenancy.config_heads FOR SELECT TO agent_ready_tenant USING ((org_id = ( SELECT tenancy.session_org() AS session_org)));

CREATE POLICY own_session ON tenancy.config_history TO agent_ready_tenant USING ((org_id = ( SELECT tenancy.session_org() AS session_org))) WITH CHECK ((org_id = ( SELECT tenancy.session_org() AS session_org)));

CREATE POLICY own_session ON tenancy.organizations TO agent_ready_tenant USING ((id = ( SELECT tenancy.session_org() AS session_org))) WITH CHECK ((id = ( SELECT tenancy.session_org() AS session_org)));

CREATE POLICY own_session ON tenancy.quota_changes TO agent_ready_tenant USING ((org_id = ( SELECT tenancy.session_org() AS session_org))) WITH CHECK ((org_id = ( SELECT tenancy.session_org() AS session_org)));

CREATE POLICY own_session ON tenancy.service_configs TO agent_ready_tenant USING ((org_id = ( SELECT tenancy.session_org() AS session_org))) WITH CHECK ((org_id = ( SELECT tenancy.session_org() AS session_org)));

CREATE POLICY platform ON tenancy.config_change_sets TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.config_epoch TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.config_heads TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.config_history TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.drift_reports TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.operation_steps TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.operations TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.organization_roles TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.organizations TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.outbox TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.pod_credentials TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.quota_changes TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform ON tenancy.service_configs TO agent_ready_platform USING (true) WITH CHECK (true);

CREATE POLICY platform_defaults ON tenancy.config_heads FOR SELECT TO agent_ready_app, agent_ready_tenant USING ((org_id = 0));

CREATE POLICY platform_defaults ON tenancy.config_history FOR SELECT TO agent_ready_app, agent_ready_tenant USING ((org_id = 0));

CREATE POLICY platform_defaults ON tenancy.service_configs FOR SELECT TO agent_ready_app, agent_ready_tenant USING ((org_id = 0));

ALTER TABLE tenancy.pod_credentials ENABLE ROW LEVEL SECURITY;

ALTER TABLE tenancy.quota_changes ENABLE ROW LEVEL SECURITY;

CREATE POLICY relay ON tenancy.config_epoch FOR SELECT TO agent_ready_relay USING (true);

CREATE POLICY relay ON tenancy.config_heads FOR SELECT TO agent_ready_relay USING (true);

CREATE POLICY relay ON tenancy.pod_credentials FOR SELECT TO agent_ready_relay USING (true);

CREATE POLICY relay ON tenancy.service_configs FOR SELECT TO agent_ready_relay USING (true);

ALTER TABLE tenancy.service_configs ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA tenancy TO agent_ready_app;
GRANT USAGE ON SCHEMA tenancy TO agent_ready_tenant;
GRANT USAGE ON SCHEMA tenancy TO agent_ready_relay;

REVOKE ALL ON FUNCTION tenancy.actor() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.actor() TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.config_epoch() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.config_epoch() TO agent_ready_app;
GRANT ALL ON FUNCTION tenancy.config_epoch() TO agent_ready_tenant;
GRANT ALL ON FUNCTION tenancy.config_epoch() TO agent_ready_relay;

REVOKE ALL ON FUNCTION tenancy.current_org() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.current_org() TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.drop_login(login name) FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.guard_config_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.lock_config_head() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.lock_config_head() TO agent_ready_app;

REVOKE ALL ON FUNCTION tenancy.record_config_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.record_quota_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.refuse_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION tenancy.session_org() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.session_org() TO agent_ready_tenant;

REVOKE ALL ON FUNCTION tenancy.set_config_revision() FROM PUBLIC;

GRANT SELECT,INSERT,UPDATE ON TABLE tenancy.config_change_sets TO agent_ready_app;

GRANT SELECT ON TABLE tenancy.config_epoch TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.config_epoch TO agent_ready_tenant;
GRANT SELECT ON TABLE tenancy.config_epoch TO agent_ready_relay;

GRANT SELECT ON TABLE tenancy.config_heads TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.config_heads TO agent_ready_tenant;
GRANT SELECT ON TABLE tenancy.config_heads TO agent_ready_relay;

GRANT SELECT ON TABLE tenancy.config_history TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.config_history TO agent_ready_tenant;

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

GRANT SELECT ON TABLE tenancy.quota_changes TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.quota_changes TO agent_ready_tenant;

GRANT SELECT,INSERT,UPDATE ON TABLE tenancy.service_configs TO agent_ready_app;
GRANT SELECT ON TABLE tenancy.service_configs TO agent_ready_tenant;
GRANT SELECT ON TABLE tenancy.service_configs TO agent_ready_relay;
