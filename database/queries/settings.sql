-- name: snapshot
select coalesce(o.revision, 0) as revision, coalesce(p.revision, 0) as platform_revision, e.epoch, s.rows
from tenancy.config_epoch e
left join tenancy.config_heads o on o.org_id = %(org_id)s
left join tenancy.config_heads p on p.org_id = 0
cross join lateral (
  select coalesce(jsonb_agg(to_jsonb(c) - 'owner'), '[]') as rows from tenancy.service_configs c
  where c.org_id in (%(org_id)s, 0)) s;

-- name: one
select org_id, service, key, value, version, revision, source, updated_at
from tenancy.service_configs
where org_id in (%(org_id)s, 0) and service = %(service)s and key = %(key)s;

-- name: lock
select tenancy.lock_config_head();

-- name: write
-- Locks the head before any row.
insert into tenancy.service_configs as c (org_id, service, key, value, source)
select %(org_id)s, service, key, value::jsonb, 'api'
from (select tenancy.lock_config_head() as there offset 0) locked
cross join lateral (
  select * from unnest(%(services)s::text[], %(keys)s::text[], %(values)s::text[]) as given (service, key, value)
  order by service, key) given
where locked.there is not null
on conflict (org_id, service, key) do update
  set value = excluded.value, version = c.version + 1, source = 'api'
returning org_id, service, key, value, version, revision, source, updated_at;

-- name: before
select old_value from tenancy.config_history
where org_id = %(org_id)s and service = %(service)s and key = %(key)s and version = %(version)s;
