-- Roles that belong to one organization, the history of quotas, retention.
--
-- A third kind of role joins the two of 0001: an organization's own logins, members of the group role
-- agent_ready_tenant. Which organization such a session may see is decided here, by who logged in (session_user) and
-- the table organization_roles, which only the platform may read or write; app.current_org means nothing to them.

do $$
begin
  if not exists (select from pg_roles where rolname = 'agent_ready_tenant') then
    create role agent_ready_tenant nologin;
  end if;
  -- Temporary tables fill the disk of everybody. Where the database is not ours this is its owner's decision.
  if (select pg_has_role(datdba, 'usage') from pg_database where datname = current_database()) then
    execute format('revoke temporary on database %I from public', current_database());
  end if;
end $$;

alter table tenancy.organizations
  add column quota jsonb not null default '{}' check (jsonb_typeof(quota) = 'object'),
  add column database_rotation integer not null default 1 check (database_rotation > 0),
  add column retention_days integer not null default 30 check (retention_days between 0 and 3650),
  add column purge_after timestamptz;
update tenancy.organizations set purge_after = deleted_at + make_interval(days => retention_days)
  where deleted_at is not null;
alter table tenancy.organizations add check ((deleted_at is null) = (purge_after is null));
comment on column tenancy.organizations.quota is 'What the cluster grants, as Kubernetes quantities: cpu, memory, storage.';
comment on column tenancy.organizations.database_rotation is
  'The generation of the login in use. It rises by one at a time: the one before stays valid until the next.';
comment on column tenancy.organizations.purge_after is 'When a deleted organization''s data may go for good.';

create table tenancy.organization_roles (
  role_name name primary key,
  org_id bigint not null references tenancy.organizations,
  generation integer not null check (generation > 0),
  verifier text not null check (verifier like 'SCRAM-SHA-256$%'),
  created_at timestamptz not null default now(),
  unique (org_id, generation)
);
comment on table tenancy.organization_roles is 'Whose a login is. A login that is not listed sees nothing.';
comment on column tenancy.organization_roles.verifier is
  'What PostgreSQL stores instead of the password. It outlives a lost Pulumi state, so that a password in use is '
  'recognized and kept.';

-- Security definer: the role that asks may not read the table. session_user is who logged in; SET ROLE, app.current_org
-- and the functions around this one do not change it.
create function tenancy.session_org() returns bigint
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return (select r.org_id from tenancy.organization_roles r where r.role_name = session_user);

create table tenancy.quota_changes (
  id bigint generated always as identity primary key,
  org_id bigint not null references tenancy.organizations,
  resource text not null,
  old_value text,
  new_value text,
  actor text not null,
  reason text not null,
  changed_at timestamptz not null default now()
);
create index quota_changes_of on tenancy.quota_changes (org_id, id);
create trigger append_only before update or delete or truncate on tenancy.quota_changes
  for each statement execute function tenancy.refuse_change();

-- Written by the change itself, as config_history is.
create function tenancy.record_quota_change() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
create trigger record_quota_insert after insert on tenancy.organizations
  for each row execute function tenancy.record_quota_change();
create trigger record_quota_update after update of quota on tenancy.organizations
  for each row when (old.quota is distinct from new.quota) execute function tenancy.record_quota_change();

-- Ends a login for good: its sessions, whatever it owns, and itself. It runs as its caller, who must be the platform.
create function tenancy.drop_login(login name) returns void
  language plpgsql set search_path = pg_catalog, pg_temp as $$
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

do $$
declare
  item record;
begin
  for item in select * from (values ('organization_roles'), ('quota_changes')) t (name)
  loop
    execute format('alter table tenancy.%I enable row level security, force row level security', item.name);
    execute format('create policy platform on tenancy.%I to current_user using (true) with check (true)', item.name);
  end loop;
  create policy own_organization on tenancy.quota_changes to agent_ready_app
    using (org_id = (select tenancy.current_org())) with check (org_id = (select tenancy.current_org()));
  for item in
    select * from (values ('organizations', 'id'), ('service_configs', 'org_id'),
                          ('config_history', 'org_id'), ('quota_changes', 'org_id')) t (name, org_column)
  loop
    execute format(
      'create policy own_session on tenancy.%I to agent_ready_tenant '
      'using (%I = (select tenancy.session_org())) with check (%I = (select tenancy.session_org()))',
      item.name, item.org_column, item.org_column);
  end loop;
end $$;

revoke execute on all functions in schema tenancy from public;
grant execute on function tenancy.current_org(), tenancy.actor() to agent_ready_app;
grant execute on function tenancy.session_org() to agent_ready_tenant;

grant usage on schema tenancy to agent_ready_tenant;
grant select on tenancy.quota_changes to agent_ready_app;
-- An organization's pods read their own settings and history; they write through the API.
grant select (id, slug, name, plan, status, quota, created_at, committed_at) on tenancy.organizations
  to agent_ready_tenant;
grant select on tenancy.service_configs, tenancy.config_history, tenancy.quota_changes to agent_ready_tenant;
