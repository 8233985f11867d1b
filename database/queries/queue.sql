-- name: lock
select pg_advisory_xact_lock(hashtext('agent-ready-k8s.queue'));

-- name: exists
select true as there from pg_tables where schemaname = 'jobs' and tablename = 'procrastinate_jobs';

-- name: create
create schema if not exists jobs;

-- name: create_record
create table if not exists jobs.schema_migrations (
  name text primary key,
  applied_at timestamptz not null default clock_timestamp()
);

-- name: enter
set local search_path = jobs;

-- name: applied
select name from jobs.schema_migrations;

-- name: record
insert into jobs.schema_migrations (name) select unnest(%(names)s::text[]);
