-- Organizations, their live settings with history, and the outbox. Row-level security from the first day.
--
-- Two roles meet here. The owner (whoever runs migrations: the platform) provisions every organization. The group
-- role agent_ready_app belongs to the services; it sees one organization a transaction, the one in app.current_org.

do $$
begin
  if not exists (select from pg_roles where rolname = 'agent_ready_app') then
    create role agent_ready_app nologin;
  end if;
end $$;

revoke all on schema tenancy from public;
grant usage on schema tenancy to agent_ready_app;

-- set_config(…, true) leaves '' behind after its transaction, not null: '' must mean "no organization" too.
create function tenancy.current_org() returns bigint
  language sql stable parallel safe
  return nullif(current_setting('app.current_org', true), '')::bigint;

create function tenancy.actor() returns text
  language sql stable
  return coalesce(nullif(current_setting('app.actor', true), ''), session_user);

create table tenancy.organizations (
  id bigint generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z0-9]([a-z0-9-]{0,57}[a-z0-9])?$'),
  name text not null check (name <> ''),
  plan text not null,
  status text not null default 'PENDING' check (status in ('PENDING', 'COMMITTED', 'DELETED')),
  managed_by text not null,
  operation_id uuid not null unique default gen_random_uuid(),
  created_at timestamptz not null default now(),
  committed_at timestamptz,
  deleted_at timestamptz,
  check ((status = 'DELETED') = (deleted_at is not null))
);
comment on table tenancy.organizations is
  'One row a customer. A deleted one stays as a tombstone: a slug is never given out again.';
comment on column tenancy.organizations.managed_by is
  'The one owner of quota, members, network and deletion: catalog:<project>/<stack>, or api.';

create table tenancy.service_configs (
  org_id bigint not null references tenancy.organizations,
  service text not null check (service ~ '^[a-z][a-z0-9_]{0,62}$'),
  key text not null check (key ~ '^[a-z][a-z0-9_]{0,62}$'),
  value jsonb,
  version bigint not null default 1 check (version > 0),
  source text not null check (source in ('catalog', 'api')),
  updated_at timestamptz not null default now(),
  primary key (org_id, service, key)
);
comment on column tenancy.service_configs.value is
  'null: unset again. The row stays, because a version must never run backwards.';
comment on column tenancy.service_configs.source is
  'Who wrote last. The catalog only ever replaces its own values; what the API wrote belongs to the API.';

create table tenancy.config_history (
  id bigint generated always as identity primary key,
  org_id bigint not null references tenancy.organizations,
  service text not null,
  key text not null,
  version bigint not null,
  old_value jsonb,
  new_value jsonb,
  actor text not null,
  reason text not null,
  changed_at timestamptz not null default now(),
  unique (org_id, service, key, version)
);

create table tenancy.outbox (
  id bigint generated always as identity primary key,
  org_id bigint not null references tenancy.organizations,
  service text not null,
  key text not null,
  version bigint not null,
  created_at timestamptz not null default now(),
  published_at timestamptz
);
create index outbox_waiting on tenancy.outbox (id) where published_at is null;

-- History and outbox are written by the change itself: no writer can forget them, and none can write one alone.
-- They run as the owner, so that the services need no right to write either table.
create function tenancy.record_config_change() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into tenancy.config_history (org_id, service, key, version, old_value, new_value, actor, reason)
  values (new.org_id, new.service, new.key, new.version,
          case when tg_op = 'UPDATE' then old.value end, new.value,
          tenancy.actor(), coalesce(current_setting('app.reason', true), ''));
  insert into tenancy.outbox (org_id, service, key, version)
  values (new.org_id, new.service, new.key, new.version);
  return null;
end $$;

create trigger record_insert after insert on tenancy.service_configs
  for each row execute function tenancy.record_config_change();
create trigger record_update after update on tenancy.service_configs
  for each row when (old.version <> new.version) execute function tenancy.record_config_change();

create function tenancy.guard_config_version() returns trigger
  language plpgsql as $$
begin
  if new.value is distinct from old.value and new.version <> old.version + 1 then
    raise exception 'a changed value of %/% must raise its version from % to %, not to %',
      old.service, old.key, old.version, old.version + 1, new.version using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger guard_version before update on tenancy.service_configs
  for each row execute function tenancy.guard_config_version();

create function tenancy.refuse_change() returns trigger
  language plpgsql as $$
begin
  raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on tenancy.config_history
  for each statement execute function tenancy.refuse_change();

-- Forced: the owner too is judged by policies, and has one of its own.
do $$
declare
  item record;
begin
  for item in
    select * from (values ('organizations', 'id'), ('service_configs', 'org_id'),
                          ('config_history', 'org_id'), ('outbox', 'org_id')) t (name, org_column)
  loop
    execute format('alter table tenancy.%I enable row level security, force row level security', item.name);
    execute format('create policy platform on tenancy.%I to current_user using (true) with check (true)', item.name);
    execute format(
      'create policy own_organization on tenancy.%I to agent_ready_app '
      'using (%I = (select tenancy.current_org())) with check (%I = (select tenancy.current_org()))',
      item.name, item.org_column, item.org_column);
  end loop;
end $$;

grant select on tenancy.organizations to agent_ready_app;
grant select, insert, update on tenancy.service_configs to agent_ready_app;
grant select on tenancy.config_history, tenancy.outbox to agent_ready_app;
grant update (published_at) on tenancy.outbox to agent_ready_app;
