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

-- name: claim_reserved
update tenancy.organizations o
set name = %(name)s, plan = %(plan)s, quota = %(quota)s::jsonb, database_rotation = %(database_rotation)s,
  retention_days = %(retention_days)s
where o.operation_id = %(operation_id)s::uuid and o.slug = %(slug)s and o.managed_by = %(managed_by)s
  and o.status <> 'DELETED'
  and not exists (select from tenancy.operations p where p.id = o.operation_id and p.undoing)
returning id, slug, name, plan, status, managed_by, operation_id::text, quota, database_rotation, retention_days;

-- name: is_wanted
select exists (
  select from tenancy.organizations o
  where o.operation_id = %(operation_id)s::uuid and o.status <> 'DELETED'
    and not exists (select from tenancy.operations p where p.id = o.operation_id and p.undoing)
) as wanted;

-- name: lock_operation
select p.undoing from tenancy.operations p join tenancy.organizations o on o.operation_id = p.id
where o.id = %(id)s for update of p;

-- name: commit
with closed as (
  update tenancy.operations p set state = 'COMMITTED', ended_at = now()
  from tenancy.organizations o where o.id = %(id)s and p.id = o.operation_id and p.state = 'PENDING'
)
update tenancy.organizations set status = 'COMMITTED', committed_at = coalesce(committed_at, now())
where id = %(id)s and status <> 'DELETED'
returning id;

-- name: forget_configs
delete from tenancy.service_configs where org_id = %(id)s;

-- name: forget_outbox
delete from tenancy.outbox where org_id = %(id)s;

-- name: cancel_change_sets
update tenancy.config_change_sets
set state = 'CANCELLED', ended_by = tenancy.actor(), ended_at = now(), note = 'the organization was deleted'
where org_id = %(id)s and state in ('WAITING', 'SCHEDULED');

-- name: act_for_deletion
select set_config('app.actor', p.caller, true), set_config('app.reason', p.reason, true),
  set_config('app.request_id', p.request_id, true)
from tenancy.operations p where p.org_id = %(id)s and p.kind = 'delete' and p.state = 'PENDING';

-- name: delete
update tenancy.organizations
set status = 'DELETED', deleted_at = now(), purge_after = now() + make_interval(days => retention_days)
where id = %(id)s and managed_by = %(managed_by)s and status <> 'DELETED'
returning id;

-- name: hold
update tenancy.organizations set stack = %(stack)s
where operation_id = %(operation_id)s::uuid and status <> 'DELETED' and (stack is null or stack = %(stack)s)
returning id;

-- name: stacks_in_use
select stack from tenancy.organizations where stack is not null and status <> 'DELETED';

-- name: identity
select concat_ws('/', (select oid from pg_database where datname = current_database()), 'tenancy'::regnamespace::oid)
  as identity;

-- name: stack
select stack from tenancy.organizations where id = %(id)s and status <> 'DELETED';

-- name: hand_over
update tenancy.organizations o set managed_by = %(managed_by)s, stack = null
where id = %(id)s and status = 'COMMITTED' and managed_by = 'api'
  and not exists (select from tenancy.operations p where p.org_id = o.id and (p.ended_at is null or p.saved_at is null)
                  and p.state <> 'FAILED')
returning id;

-- name: is_committed
select exists (
  select from tenancy.organizations where operation_id = %(operation_id)s::uuid and status = 'COMMITTED'
) as committed;
