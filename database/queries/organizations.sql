-- name: claim
insert into tenancy.organizations (slug, name, plan, managed_by)
values (%(slug)s, %(name)s, %(plan)s, %(managed_by)s)
on conflict (slug) do nothing
returning id, slug, name, plan, status, managed_by, operation_id::text;

-- name: by_slug
select id, slug, name, plan, status, managed_by, operation_id::text, deleted_at
from tenancy.organizations where slug = %(slug)s;

-- name: by_id
select id, slug, name, plan, status, managed_by, operation_id::text, deleted_at
from tenancy.organizations where id = %(id)s;

-- name: describe
update tenancy.organizations set name = %(name)s, plan = %(plan)s
where id = %(id)s and status <> 'DELETED' and managed_by = %(managed_by)s
returning id, slug, name, plan, status, managed_by, operation_id::text;

-- name: commit
update tenancy.organizations set status = 'COMMITTED', committed_at = coalesce(committed_at, now())
where id = %(id)s and status <> 'DELETED'
returning id;

-- name: forget_configs
delete from tenancy.service_configs where org_id = %(id)s;

-- name: forget_outbox
delete from tenancy.outbox where org_id = %(id)s;

-- name: delete
update tenancy.organizations set status = 'DELETED', deleted_at = now()
where id = %(id)s and managed_by = %(managed_by)s and status <> 'DELETED';
