-- name: lock_head
select from tenancy.config_heads where org_id = %(org_id)s for update;

-- name: epoch
select tenancy.config_epoch() as epoch;

-- name: put_defaults
insert into tenancy.service_configs as c (org_id, service, key, value, source)
select %(org_id)s, service, key, value::jsonb, 'catalog'
from unnest(%(services)s::text[], %(keys)s::text[], %(values)s::text[]) as wanted (service, key, value)
order by service, key
on conflict (org_id, service, key) do update
  set value = excluded.value, version = c.version + 1
  where c.source = 'catalog' and c.value is distinct from excluded.value
returning service, key, version;

-- name: unset_defaults
update tenancy.service_configs c
set value = null, version = version + 1
where org_id = %(org_id)s and source = 'catalog' and value is not null and not exists (
  select from unnest(%(services)s::text[], %(keys)s::text[]) as wanted (service, key)
  where wanted.service = c.service and wanted.key = c.key)
returning service, key, version;

-- name: all
select service, key, value::text, version, source from tenancy.service_configs
where org_id = %(org_id)s order by service, key;

-- name: unpublished
select id, org_id, service, key, version from tenancy.outbox
where published_at is null order by id limit %(most)s for update skip locked;

-- name: mark_sent
-- Not waiting for the disk: a mark that is lost only sends the hint once more.
with hasty as (select set_config('synchronous_commit', 'off', true) as is_set offset 0)
update tenancy.outbox o set published_at = now()
from hasty, unnest(%(org_ids)s::bigint[], %(services)s::text[], %(keys)s::text[], %(versions)s::bigint[])
  as sent (org_id, service, key, version)
where hasty.is_set = 'off' and o.published_at is null and (o.org_id, o.service, o.key, o.version)
  = (sent.org_id, sent.service, sent.key, sent.version);

-- name: forget_published
delete from tenancy.outbox where published_at < now() - interval '1 day';

-- name: mark_published
update tenancy.outbox set published_at = now() where id = any(%(ids)s);
