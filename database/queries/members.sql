-- name: lock_living
select id from tenancy.organizations where id = %(org_id)s and status <> 'DELETED' for no key update;

-- name: sync
with wanted as (
  select * from unnest(%(emails)s::text[], %(roles)s::text[]) as given (email, role)
), ended as (
  delete from tenancy.memberships m
  where m.org_id = %(org_id)s and not exists (select from wanted w where w.email = m.email)
), changed as (
  update tenancy.memberships m set role = w.role, since = now()
  from wanted w where m.org_id = %(org_id)s and m.email = w.email and m.role <> w.role
)
insert into tenancy.memberships (org_id, email, role)
select %(org_id)s, w.email, w.role from wanted w
where not exists (select from tenancy.memberships m where m.org_id = %(org_id)s and m.email = w.email)
on conflict do nothing;

-- name: belongs
select from tenancy.memberships where org_id = %(org_id)s and email = %(email)s;

-- name: roles
select email, role from tenancy.memberships where org_id = %(org_id)s order by email;

-- name: page
-- Whether somebody has an account elsewhere is none of an organization's business.
select m.email, m.role, m.since, exists (
    select from tenancy.users u join tenancy.sessions s on s.user_id = u.id
    where u.email = m.email and s.org_id = m.org_id
  ) or exists (
    select from tenancy.invitations i where i.org_id = m.org_id and i.email = m.email and i.accepted_at is not null
  ) as has_joined
from tenancy.memberships m where m.org_id = %(org_id)s order by m.email;
