-- Live configuration (docs/adr/0015): revisions that order change sets, an epoch for restores, platform defaults,
-- planned changes, and the credentials by which pods are known to Redis and to the relay.

-- Organization 0 is the platform: it has settings, and no row of its own.
alter table tenancy.service_configs
  drop constraint service_configs_org_id_fkey,
  add column owner bigint generated always as (nullif(org_id, 0)) stored references tenancy.organizations,
  add column revision bigint not null default 0,
  drop constraint service_configs_key_check,
  add check (key ~ '^[A-Za-z][A-Za-z0-9_.-]{0,62}$');
alter table tenancy.config_history
  drop constraint config_history_org_id_fkey,
  add column owner bigint generated always as (nullif(org_id, 0)) stored references tenancy.organizations,
  add column revision bigint not null default 0;
alter table tenancy.outbox
  drop constraint outbox_org_id_fkey,
  add column owner bigint generated always as (nullif(org_id, 0)) stored references tenancy.organizations;
comment on column tenancy.service_configs.revision is
  'The change set of its organization that changed it last. Several keys of one transaction share one.';
create index service_configs_newer on tenancy.service_configs (org_id, revision);
create index config_history_at on tenancy.config_history (org_id, revision);

create table tenancy.config_heads (
  org_id bigint primary key,
  owner bigint generated always as (nullif(org_id, 0)) stored references tenancy.organizations,
  revision bigint not null check (revision > 0),
  changed_in xid8 not null,
  changed_at timestamptz not null default now()
);
comment on table tenancy.config_heads is 'The newest revision of each organization. Its row lock makes revisions commit in their order.';

-- Whoever changes several settings locks the head first, so that none waits for another's row while it holds the head.
-- The head is that of app.current_org: nobody can hold up another organization.
create function tenancy.lock_config_head() returns boolean
  language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select count(*) > 0 from (
    select from tenancy.config_heads where org_id = tenancy.current_org() for update) as locked
$$;

-- One revision a transaction, and one time: what happened at a time is whole change sets. Security definer: writers of
-- settings need no right to the heads.
create function tenancy.set_config_revision() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
create trigger set_revision_insert before insert on tenancy.service_configs
  for each row execute function tenancy.set_config_revision();
create trigger set_revision_update before update on tenancy.service_configs
  for each row when (old.version <> new.version) execute function tenancy.set_config_revision();

create or replace function tenancy.record_config_change() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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

-- What was there before: everything in one first change set.
insert into tenancy.config_heads (org_id, revision, changed_in)
  select distinct org_id, 1, pg_current_xact_id() from tenancy.service_configs;
update tenancy.service_configs set revision = 1;

create table tenancy.config_epoch (
  one boolean primary key default true check (one),
  epoch bigint not null,
  identity text not null,
  timeline text not null
);
comment on table tenancy.config_epoch is 'Which history of versions this is. A restore begins another, above every earlier one.';
comment on column tenancy.config_epoch.identity is
  'Of the cluster, the database and this table: one of them is another after a dump was loaded.';
comment on column tenancy.config_epoch.timeline is
  'Another one after a recovery to a point in time, or after a standby was promoted.';

-- The epoch, raised first if it was given out by another database or on another timeline. Unix time: above whatever was
-- given out after the backup was made.
create function tenancy.config_epoch() returns bigint
  language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
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
select tenancy.config_epoch();

-- Change sets that wait: for a time, or for somebody else's approval.
create table tenancy.config_change_sets (
  id uuid primary key,
  org_id bigint not null,
  owner bigint generated always as (nullif(org_id, 0)) stored references tenancy.organizations,
  changes jsonb not null check (jsonb_typeof(changes) = 'array' and jsonb_array_length(changes) between 1 and 200),
  reason text not null check (reason <> ''),
  actor text not null,
  approver text check (approver <> actor),
  needs_approval boolean not null default false,
  apply_at timestamptz,
  state text not null check (state in ('WAITING', 'SCHEDULED', 'APPLIED', 'REJECTED', 'CANCELLED', 'FAILED')),
  revision bigint,
  problem jsonb,
  ended_by text,
  note text,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  check ((state in ('WAITING', 'SCHEDULED')) = (ended_at is null)),
  check ((state = 'APPLIED') = (revision is not null)),
  check ((state = 'FAILED') = (problem is not null)),
  check (state not in ('SCHEDULED', 'APPLIED') or not needs_approval or approver is not null)
);
create index config_change_sets_due on tenancy.config_change_sets (apply_at) where state = 'SCHEDULED';
create index config_change_sets_of on tenancy.config_change_sets (org_id, created_at);
comment on column tenancy.config_change_sets.changes is
  'Array of {service, key, value | unset: true, if_version?}, as it was asked for.';
comment on column tenancy.config_change_sets.note is 'Why it was approved, rejected or cancelled.';

create table tenancy.pod_credentials (
  org_id bigint primary key references tenancy.organizations,
  username text not null unique,
  password_sha256 text not null check (password_sha256 ~ '^[0-9a-f]{64}$'),
  changed_at timestamptz not null default now()
);
comment on table tenancy.pod_credentials is
  'By what an organization''s pods are known to Redis and to the relay. The password has 256 random bits.';

do $$
declare
  item record;
begin
  if not exists (select from pg_roles where rolname = 'agent_ready_relay') then
    create role agent_ready_relay nologin;
  end if;
  for item in
    select * from (values ('config_heads'), ('config_epoch'), ('config_change_sets'), ('pod_credentials')) t (name)
  loop
    execute format('alter table tenancy.%I enable row level security, force row level security', item.name);
    execute format('create policy platform on tenancy.%I to current_user using (true) with check (true)', item.name);
  end loop;
  for item in select * from (values ('config_heads'), ('config_change_sets')) t (name)
  loop
    execute format(
      'create policy own_organization on tenancy.%I to agent_ready_app '
      'using (org_id = (select tenancy.current_org())) with check (org_id = (select tenancy.current_org()))', item.name);
  end loop;
  create policy own_session on tenancy.config_heads for select to agent_ready_tenant
    using (org_id = (select tenancy.session_org()));
  -- The platform's defaults are everybody's to read.
  for item in select * from (values ('service_configs'), ('config_history'), ('config_heads')) t (name)
  loop
    execute format('create policy platform_defaults on tenancy.%I for select to agent_ready_app, agent_ready_tenant '
                   'using (org_id = 0)', item.name);
  end loop;
  create policy epoch on tenancy.config_epoch for select to agent_ready_app, agent_ready_tenant using (true);
  for item in select * from (values ('service_configs'), ('config_heads'), ('config_epoch'), ('pod_credentials')) t (name)
  loop
    execute format('create policy relay on tenancy.%I for select to agent_ready_relay using (true)', item.name);
  end loop;
end $$;

revoke execute on function tenancy.lock_config_head(), tenancy.set_config_revision(), tenancy.config_epoch() from public;
grant execute on function tenancy.lock_config_head() to agent_ready_app;
grant execute on function tenancy.config_epoch() to agent_ready_app, agent_ready_tenant, agent_ready_relay;
grant select on tenancy.config_heads to agent_ready_app, agent_ready_tenant, agent_ready_relay;
grant select on tenancy.config_epoch to agent_ready_app, agent_ready_tenant, agent_ready_relay;
grant select, insert, update on tenancy.config_change_sets to agent_ready_app;
grant usage on schema tenancy to agent_ready_relay;
grant select on tenancy.service_configs, tenancy.pod_credentials to agent_ready_relay;
