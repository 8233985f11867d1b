-- name: claim
insert into tenancy.organizations (slug, name, plan, managed_by, quota, database_rotation, retention_days)
values (%(slug)s, %(name)s, %(plan)s, %(managed_by)s, %(quota)s::jsonb, %(database_rotation)s, %(retention_days)s)
on conflict do nothing
returning id, slug, name, plan, status, managed_by, operation_id::text, quota, database_rotation, retention_days;

-- name: by_slug
select id, slug, name, plan, status, managed_by, operation_id::text, quota, database_rotation, retention_days, deleted_at
from tenancy.organizations where slug = %(slug)s and (status <> 'DELETED' or committed_at is not null);

-- name: by_id
select id, slug, name, plan, status, managed_by, operation_id::text, quota, database_rotation, retention_days, deleted_at
from tenancy.organizations where id = %(id)s;

-- name: reserve
insert into tenancy.organizations (slug, name, plan, managed_by, operation_id, quota, database_rotation, retention_days)
values (%(slug)s, %(name)s, %(plan)s, %(managed_by)s, %(operation_id)s, %(quota)s::jsonb, %(database_rotation)s,
  %(retention_days)s)
on conflict do nothing
returning id;

-- name: describe
update tenancy.organizations
set name = %(name)s, plan = %(plan)s, quota = %(quota)s::jsonb, database_rotation = %(database_rotation)s,
  retention_days = %(retention_days)s
where id = %(id)s and status <> 'DELETED' and managed_by = %(managed_by)s
  and %(database_rotation)s - database_rotation in (0, 1)
returning id, slug, name, plan, status, managed_by, operation_id::text, quota, database_rotation, retention_days;

-- name: commit
update tenancy.organizations set status = 'COMMITTED', committed_at = coalesce(committed_at, now())
where id = %(id)s and status <> 'DELETED'
returning id;

-- name: forget_configs
delete from tenancy.service_configs where org_id = %(id)s;

-- name: forget_outbox
delete from tenancy.outbox where org_id = %(id)s;

-- name: delete
update tenancy.organizations
set status = 'DELETED', deleted_at = now(), purge_after = now() + make_interval(days => retention_days)
where id = %(id)s and managed_by = %(managed_by)s and status <> 'DELETED'
returning id;
