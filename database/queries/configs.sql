-- name: put_default
insert into tenancy.service_configs as c (org_id, service, key, value, source)
values (%(org_id)s, %(service)s, %(key)s, %(value)s::jsonb, 'catalog')
on conflict (org_id, service, key) do update
  set value = excluded.value, version = c.version + 1, updated_at = now()
  where c.source = 'catalog' and c.value is distinct from excluded.value
returning service, key, version;

-- name: unset_default
update tenancy.service_configs
set value = null, version = version + 1, updated_at = now()
where org_id = %(org_id)s and service = %(service)s and key = %(key)s and source = 'catalog' and value is not null
returning service, key, version;

-- name: all
select service, key, value::text, version, source from tenancy.service_configs
where org_id = %(org_id)s order by service, key;

-- name: unpublished
select id, org_id, service, key, version from tenancy.outbox
where published_at is null order by id limit %(most)s for update skip locked;

-- name: mark_published
update tenancy.outbox set published_at = now() where id = any(%(ids)s);
