-- name: lock_organization
select pg_advisory_xact_lock(hashtextextended('tenancy.operations/' || %(org_id)s::bigint, 0));

-- name: lock_organization_of
select pg_advisory_xact_lock(hashtextextended('tenancy.operations/' || org_id, 0)) from tenancy.operations
where id = %(id)s;

-- name: reserve
insert into tenancy.operations (id, kind, slug, org_id, caller, idempotency_key, request_hash, request, reason,
  answer, token_hash, request_id, attempt, lease_holder, lease_number, lease_until)
select %(id)s, %(kind)s, o.slug, o.id, %(caller)s, %(key)s, %(request_hash)s, %(request)s::jsonb, %(reason)s,
  %(answer)s::jsonb, %(token_hash)s, %(request_id)s, 1, %(holder)s, 1, now() + make_interval(secs => %(seconds)s)
from tenancy.organizations o
where o.id = %(org_id)s and o.status <> 'DELETED' and not exists (
  select from tenancy.operations other
  where other.org_id = o.id and (
    other.state = 'PENDING' or other.state = 'COMMITTED' and other.saved_at is null and other.lease_until > now()))
  and (%(based_on)s::uuid is null or %(based_on)s::uuid = (
    select p.id from tenancy.operations p
    where p.org_id = o.id
      and (p.kind = 'create' and p.state <> 'FAILED' or p.kind in ('quota', 'change') and p.state = 'COMMITTED')
    order by p.created_at desc limit 1))
on conflict do nothing
returning id;

-- name: read
select p.id::text, p.kind, p.slug, p.org_id, p.caller, p.request_hash, p.request, p.reason, p.request_id, p.state, p.way,
  p.attempt, p.undoing, p.lease_number, p.answer, p.problem, p.token_hash, p.created_at, p.ended_at, p.saved_at,
  o.operation_id::text as organization_operation_id, o.stack, o.status as organization_status
from tenancy.operations p join tenancy.organizations o on o.id = p.org_id
where p.id = %(id)s;

-- name: by_key
select id::text from tenancy.operations where caller = %(caller)s and idempotency_key = %(key)s;

-- name: take
update tenancy.operations p
set lease_holder = %(holder)s, lease_number = lease_number + 1, attempt = attempt + 1,
  lease_until = now() + make_interval(secs => %(seconds)s)
where id = %(id)s and (lease_until is null or lease_until <= now())
  and (state = 'PENDING' or state = 'COMMITTED' and saved_at is null)
  and not exists (
    select from tenancy.operations other
    where other.org_id = p.org_id and other.id <> p.id
      and (other.state = 'PENDING' or other.state = 'COMMITTED' and other.saved_at is null and other.lease_until > now()))
returning lease_number;

-- name: prolong
update tenancy.operations set lease_until = now() + make_interval(secs => %(seconds)s)
where id = %(id)s and lease_number = %(number)s
returning id;

-- name: check_held
select id from tenancy.operations where id = %(id)s and lease_number = %(number)s and ended_at is null for share;

-- name: put_back
update tenancy.operations set lease_until = now() + make_interval(secs => %(seconds)s), attempt = attempt - 1
where id = %(id)s and lease_number = %(number)s
returning id;

-- name: add_steps
insert into tenancy.operation_steps (operation_id, org_id, step, detail)
select p.id, p.org_id, done.step, done.detail
from tenancy.operations p, unnest(%(steps)s::text[], %(details)s::text[]) with ordinality as done (step, detail, place)
where p.id = %(id)s and p.lease_number = %(number)s order by done.place
returning id;

-- name: keep_way
update tenancy.operations set way = %(way)s where id = %(id)s and lease_number = %(number)s
returning id;

-- name: keep_stack
update tenancy.organizations o set stack = %(stack)s
from tenancy.operations p where p.id = %(id)s and p.lease_number = %(number)s and o.id = p.org_id
returning o.id;

-- name: begin_undo
update tenancy.operations set undoing = undoing or state = 'PENDING'
where id = %(id)s and lease_number = %(number)s
returning undoing;

-- name: commit
update tenancy.operations
set state = 'COMMITTED', ended_at = now(), answer = answer || %(answer)s::jsonb,
  saved_at = case when %(saved)s then now() end
where id = %(id)s and lease_number = %(number)s and state = 'PENDING' and not undoing
returning id;

-- name: fail
update tenancy.operations
set state = 'FAILED', ended_at = coalesce(ended_at, now()), problem = %(problem)s::jsonb
where id = %(id)s and lease_number = %(number)s
  and (state = 'PENDING' or state = 'COMMITTED' and saved_at is null and kind = 'quota')
returning id;

-- name: stays
-- What a change that was set back leaves otherwise than it was before, as a change that is done.
insert into tenancy.operations (kind, slug, org_id, caller, idempotency_key, request_hash, request, reason, state,
  answer, request_id, created_at, ended_at, saved_at)
select 'change', p.slug, p.org_id, 'system', 'stays-' || p.id, '', %(request)s::jsonb,
  'rights that were taken are not given back (set back: ' || p.id || ')', 'COMMITTED',
  jsonb_build_object('id', p.org_id, 'slug', p.slug), p.request_id, clock_timestamp(), clock_timestamp(), clock_timestamp()
from tenancy.operations p where p.id = %(id)s and p.lease_number = %(number)s
returning id;

-- name: mark_saved
with this as (
  update tenancy.operations set saved_at = now()
  where id = %(id)s and lease_number = %(number)s and state = 'COMMITTED'
  returning id, org_id, created_at
), older as (
  update tenancy.operations p set saved_at = now()
  from this where p.org_id = this.org_id and p.created_at < this.created_at and p.state = 'COMMITTED' and p.saved_at is null
)
select id from this;

-- name: recoverable
select id::text from tenancy.operations
where lease_until <= now() and (ended_at is null or saved_at is null and state = 'COMMITTED')
order by lease_until limit %(most)s;

-- name: steps
select id, step, detail, at from tenancy.operation_steps
where operation_id = %(operation_id)s and id > %(after)s order by id;

-- name: count_by_state
select kind, state, count(*) as count from tenancy.operations group by kind, state;

-- name: is_superseded
select exists (
  select from tenancy.operations newer join tenancy.operations p on p.org_id = newer.org_id
  where p.id = %(id)s and newer.created_at > p.created_at and newer.state <> 'FAILED'
) as superseded;

-- name: request_before
select before.request from tenancy.operations before join tenancy.operations p on p.org_id = before.org_id
where p.id = %(id)s and before.created_at < p.created_at and before.state = 'COMMITTED' and before.kind not in ('repair', 'delete')
order by before.created_at desc limit 1;
