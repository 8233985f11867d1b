-- name: lock
select pg_advisory_xact_lock(hashtext('agent-ready-k8s.migrations'));

-- name: prepare
do $$
begin
  if not exists (select from pg_namespace where nspname = 'tenancy') then
    create schema tenancy;
    create table tenancy.schema_migrations (
      version integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    );
  end if;
end $$;

-- name: exists
select true as there from pg_tables where schemaname = 'tenancy' and tablename = 'schema_migrations';

-- name: applied
select version, checksum from tenancy.schema_migrations;

-- name: version
select coalesce(max(version), 0) as version from tenancy.schema_migrations;

-- name: record
insert into tenancy.schema_migrations (version, name, checksum) values (%(version)s, %(name)s, %(checksum)s);

-- name: living
select count(*) as living, string_agg(slug, ', ') filter (where rank <= 5) as some
from (select slug, row_number() over (order by id) as rank from tenancy.organizations where status <> 'DELETED') o;

-- name: drop
drop schema tenancy cascade;
