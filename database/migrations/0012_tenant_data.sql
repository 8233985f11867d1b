-- Tenant data (docs/adr/0018): projects, notes below them, and documents. What one organization has is not told to
-- another by keys, by errors, by plans or by statistics.

-- Whose a new row is when nobody says: a login's own organization, whatever app.current_org says, else the context's.
create function tenancy.own_org() returns bigint
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return coalesce(tenancy.session_org(), tenancy.current_org());

-- Every key begins with the organization: a foreign key or a unique name cannot meet another organization's row, and a
-- plan never touches one. Ids are random: no sequence counts for everybody.
create table tenancy.projects (
  org_id bigint not null default tenancy.own_org() references tenancy.organizations,
  id uuid not null default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  description text not null default '' check (length(description) <= 4000),
  version bigint not null default 1,
  created_by text not null default tenancy.actor() check (created_by <> ''),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  living boolean not null generated always as (deleted_at is null) stored,
  words tsvector not null generated always as (to_tsvector('pg_catalog.simple', name || ' ' || description)) stored,
  primary key (org_id, id)
);
create unique index projects_name on tenancy.projects (org_id, name) where living;
create index projects_living on tenancy.projects (org_id, created_at, id) where living;
create index projects_deleted on tenancy.projects (org_id, created_at, id) where not living;

create table tenancy.notes (
  org_id bigint not null default tenancy.own_org(),
  id uuid not null default gen_random_uuid(),
  project_id uuid not null,
  title text not null check (length(title) between 1 and 200),
  body text not null default '' check (octet_length(body) <= 65536),
  version bigint not null default 1,
  created_by text not null default tenancy.actor() check (created_by <> ''),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  living boolean not null generated always as (deleted_at is null) stored,
  words tsvector not null generated always as (to_tsvector('pg_catalog.simple', title || ' ' || body)) stored,
  primary key (org_id, id),
  foreign key (org_id, project_id) references tenancy.projects on delete cascade
);
create index notes_living on tenancy.notes (org_id, project_id, created_at, id) where living;
create index notes_deleted on tenancy.notes (org_id, project_id, created_at, id) where not living;

create table tenancy.documents (
  org_id bigint not null default tenancy.own_org() references tenancy.organizations,
  id uuid not null default gen_random_uuid(),
  project_id uuid,
  name text not null check (length(name) between 1 and 200),
  media_type text not null default 'text/plain' check (length(media_type) between 3 and 100),
  content text not null check (octet_length(content) <= 262144),
  version bigint not null default 1,
  created_by text not null default tenancy.actor() check (created_by <> ''),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  living boolean not null generated always as (deleted_at is null) stored,
  words tsvector not null generated always as (to_tsvector('pg_catalog.simple', name || ' ' || content)) stored,
  primary key (org_id, id),
  foreign key (org_id, project_id) references tenancy.projects on delete cascade
);
create unique index documents_name on tenancy.documents (org_id, name) where living;
create index documents_living on tenancy.documents (org_id, created_at, id) where living;
create index documents_deleted on tenancy.documents (org_id, created_at, id) where not living;
create index documents_of on tenancy.documents (org_id, project_id) where project_id is not null;
comment on column tenancy.projects.living is
  'For plans: without statistics `is null` counts as a twohundredth of all rows, a boolean as half of them.';
comment on column tenancy.projects.deleted_at is 'Since when it is hidden, with its notes and documents; null again: restored.';

-- A version that its writer could choose would be no ETag: pods write these tables themselves.
create function tenancy.count_version() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end $$;
-- DELETE cannot be granted by column, and whoever holds it may LOCK the table that everybody writes. So pods delete by this.
create function tenancy.erase(kind text, row_id uuid) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  case kind
    when 'projects' then delete from tenancy.projects r where (r.org_id, r.id) = (tenancy.own_org(), row_id);
    when 'notes' then delete from tenancy.notes r where (r.org_id, r.id) = (tenancy.own_org(), row_id);
    when 'documents' then delete from tenancy.documents r where (r.org_id, r.id) = (tenancy.own_org(), row_id);
    else raise exception '% is none of projects, notes and documents', kind using errcode = 'invalid_parameter_value';
  end case;
  return found;
end $$;
-- TRUNCATE passes by row-level security, the owner's too.
create function tenancy.refuse_truncate() returns trigger
  language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception 'TRUNCATE of % is refused: it holds the rows of every organization; use DELETE', tg_table_name
    using errcode = 'insufficient_privilege';
end $$;

do $$
declare
  item record;
begin
  for item in select * from (values ('projects'), ('notes'), ('documents')) t (name)
  loop
    execute format('alter table tenancy.%I enable row level security, force row level security', item.name);
    execute format('create policy platform on tenancy.%I to current_user using (true) with check (true)', item.name);
    execute format(
      'create policy own_organization on tenancy.%I to agent_ready_app '
      'using (org_id = tenancy.current_org()) with check (org_id = tenancy.current_org())', item.name);
    execute format(
      'create policy own_session on tenancy.%I to agent_ready_tenant '
      'using (org_id = tenancy.session_org()) with check (org_id = tenancy.session_org())', item.name);
    execute format('create trigger count_version before update on tenancy.%I '
                   'for each row execute function tenancy.count_version()', item.name);
    execute format('create trigger no_truncate before truncate on tenancy.%I '
                   'for each statement execute function tenancy.refuse_truncate()', item.name);
    execute format('grant select on tenancy.%I to agent_ready_app, agent_ready_tenant', item.name);
  end loop;
end $$;

-- Column by column: nobody writes a version, a time, or moves a row, and nobody can LOCK a table by it.
grant insert (org_id, id, name, description, created_by), update (name, description, deleted_at)
  on tenancy.projects to agent_ready_app, agent_ready_tenant;
grant insert (org_id, id, project_id, title, body, created_by), update (title, body, deleted_at)
  on tenancy.notes to agent_ready_app, agent_ready_tenant;
grant insert (org_id, id, project_id, name, media_type, content, created_by),
  update (name, media_type, content, deleted_at)
  on tenancy.documents to agent_ready_app, agent_ready_tenant;
revoke execute on function tenancy.own_org(), tenancy.erase(text, uuid), tenancy.count_version(), tenancy.refuse_truncate()
  from public;
grant execute on function tenancy.own_org(), tenancy.erase(text, uuid) to agent_ready_app, agent_ready_tenant;
grant execute on function tenancy.actor() to agent_ready_tenant;

-- The rows of histories were found by a number that counts for everybody: EXPLAIN ANALYZE told which numbers are taken.
alter table tenancy.config_history drop constraint config_history_pkey, add primary key (org_id, id);
alter table tenancy.quota_changes drop constraint quota_changes_pkey, add primary key (org_id, id);
drop index tenancy.quota_changes_of;

-- Two policies that are joined by OR go into no index: rows of others were looked at, and EXPLAIN ANALYZE told of it. One
-- list of organizations does go into it.
do $$
declare
  item record;
begin
  for item in select * from (values ('service_configs'), ('config_history'), ('config_heads')) t (name)
  loop
    execute format('drop policy platform_defaults on tenancy.%I', item.name);
    execute format('drop policy own_organization on tenancy.%I', item.name);
    execute format('drop policy own_session on tenancy.%I', item.name);
    execute format('create policy own_organization on tenancy.%I for select to agent_ready_app '
                   'using (org_id = any (array[0, tenancy.current_org()]))', item.name);
    execute format('create policy own_session on tenancy.%I for select to agent_ready_tenant '
                   'using (org_id = any (array[0, tenancy.session_org()]))', item.name);
  end loop;
  create policy own_organization_insert on tenancy.service_configs for insert to agent_ready_app
    with check (org_id = tenancy.current_org());
  create policy own_organization_update on tenancy.service_configs for update to agent_ready_app
    using (org_id = tenancy.current_org()) with check (org_id = tenancy.current_org());
  -- `(select …)` in a policy is run when the first row asks for it: EXPLAIN ANALYZE tells whether one did.
  for item in
    select p.polname as policy, p.polrelid::regclass as name, pg_get_expr(p.polqual, p.polrelid) as using_,
      pg_get_expr(p.polwithcheck, p.polrelid) as check_
    from pg_policy p join pg_class c on c.oid = p.polrelid
    where c.relnamespace = 'tenancy'::regnamespace and pg_get_expr(p.polqual, p.polrelid) like '%( SELECT%'
  loop
    execute format('alter policy %I on %s using (%s)', item.policy, item.name,
      regexp_replace(item.using_, '\( SELECT (tenancy\.\w+\(\)) AS \w+\)', '\1'));
    if item.check_ is not null then
      execute format('alter policy %I on %s with check (%s)', item.policy, item.name,
        regexp_replace(item.check_, '\( SELECT (tenancy\.\w+\(\)) AS \w+\)', '\1'));
    end if;
  end loop;
end $$;

-- The planner keeps frequent values and the bounds of histograms of all rows, and estimates with them whatever the
-- policies say: EXPLAIN would tell. Where an organization can read, nothing is kept. Indexes give the plans.
do $$
declare
  item record;
begin
  for item in
    select c.oid::regclass as name, a.attname from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'tenancy'::regnamespace and c.relkind in ('r', 'p')
      and (has_any_column_privilege('agent_ready_app', c.oid, 'select')
           or has_any_column_privilege('agent_ready_tenant', c.oid, 'select'))
  loop
    execute format('alter table %s alter column %I set statistics 0', item.name, item.attname);
  end loop;
end $$;
