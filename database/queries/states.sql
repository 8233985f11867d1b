-- Pulumi's own tables (its package backend/diy/postgres); {table} is one of them. A key is a path, data its text.

-- name: turn
select pg_advisory_xact_lock(hashtextextended(%(table)s, 0));

-- name: table
create table if not exists {table} (
  key text primary key,
  data json not null,
  updated_at timestamp with time zone not null default now()
);

-- name: index
create index if not exists {index} on {table} (key text_pattern_ops);

-- name: tables
select tablename from pg_tables
where schemaname = current_schema() and tablename ~ ('^' || %(family)s || '_[0-9a-f]{1,2}$')
order by tablename;

-- name: read
select data->>'data' as text from {table} where key = %(key)s;

-- name: write
insert into {table} (key, data) values (%(key)s, json_build_object('data', %(text)s::text))
on conflict (key) do update set data = excluded.data, updated_at = now();

-- name: below
select key, extract(epoch from now() - updated_at)::float8 as age from {table} where starts_with(key, %(prefix)s)
order by key;

-- name: remove
delete from {table} where key = any(%(keys)s);
