-- name: lock
select pg_advisory_xact_lock(hashtext('agent-ready-k8s.queue'));

-- name: exists
select true as there from pg_tables where schemaname = 'jobs' and tablename = 'procrastinate_jobs';

-- name: create
create schema if not exists jobs;

-- name: enter
set local search_path = jobs;
