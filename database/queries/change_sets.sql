-- name: add
insert into tenancy.config_change_sets
  (id, org_id, changes, reason, actor, needs_approval, apply_at, state, revision, ended_by, ended_at)
values (%(id)s, %(org_id)s, %(changes)s::jsonb, %(reason)s, %(actor)s, %(needs_approval)s, %(apply_at)s, %(state)s,
  %(revision)s, %(ended_by)s, case when %(ended_by)s::text is not null then now() end)
returning id::text, org_id, changes, reason, actor, approver, needs_approval, apply_at, state, revision, problem,
  ended_by, note, created_at, ended_at;

-- name: read
select id::text, org_id, changes, reason, actor, approver, needs_approval, apply_at, state, revision, problem,
  ended_by, note, created_at, ended_at
from tenancy.config_change_sets where org_id = %(org_id)s and id = %(id)s;

-- name: lock
select id::text, org_id, changes, reason, actor, approver, needs_approval, apply_at, state, revision, problem,
  ended_by, note, created_at, ended_at
from tenancy.config_change_sets where org_id = %(org_id)s and id = %(id)s for update;

-- name: page
select id::text, org_id, changes, reason, actor, approver, needs_approval, apply_at, state, revision, problem,
  ended_by, note, created_at, ended_at
from tenancy.config_change_sets
where org_id = %(org_id)s and (%(state)s::text is null or state = %(state)s) and created_at < %(before)s
order by created_at desc limit %(most)s;

-- name: update
update tenancy.config_change_sets
set state = %(state)s, approver = %(approver)s, revision = %(revision)s, problem = %(problem)s::jsonb,
  note = coalesce(%(note)s, note), ended_by = %(ended_by)s,
  ended_at = case when %(ended_by)s::text is not null then clock_timestamp() end
where org_id = %(org_id)s and id = %(id)s
returning id::text, org_id, changes, reason, actor, approver, needs_approval, apply_at, state, revision, problem,
  ended_by, note, created_at, ended_at;

-- name: due
select org_id, id::text from tenancy.config_change_sets
where state = 'SCHEDULED' and apply_at <= now() order by apply_at, created_at limit %(most)s;
