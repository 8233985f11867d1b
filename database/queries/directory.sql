-- name: place
select id, deleted_at from tenancy.organizations
where slug = %(slug)s and (status <> 'DELETED' or committed_at is not null);

-- name: by_slug
select o.id, o.slug, o.name, o.plan, o.status, o.managed_by, o.operation_id::text, o.quota, o.stack, o.retention_days,
  o.created_at, o.committed_at, o.deleted_at, d.request as described, d.id::text as described_by
from tenancy.organizations o
left join lateral (
  select p.id, p.request from tenancy.operations p
  where p.org_id = o.id
    and (p.kind = 'create' and p.state <> 'FAILED' or p.kind in ('quota', 'change') and p.state = 'COMMITTED')
  order by p.created_at desc limit 1) d on true
where o.slug = %(slug)s and (o.status <> 'DELETED' or o.committed_at is not null);

-- name: page
select o.id, o.slug, o.name, o.plan, o.status, o.managed_by, o.operation_id::text, o.quota, o.stack, o.retention_days,
  o.created_at, o.committed_at, o.deleted_at, null::jsonb as described, null as described_by
from tenancy.organizations o
where o.id > %(after)s and o.status <> 'DELETED'
order by o.id limit %(most)s;

-- name: described
select p.request from tenancy.operations p
where p.org_id = %(org_id)s
  and (p.kind = 'create' and p.state <> 'FAILED' or p.kind in ('quota', 'change') and p.state = 'COMMITTED')
order by p.created_at desc limit 1;

-- name: ended
select operation_id::text from tenancy.organizations
where status = 'DELETED' and managed_by = %(managed_by)s and operation_id = any(%(operation_ids)s::uuid[]);
