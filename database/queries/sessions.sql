-- name: add
insert into tenancy.sessions (id, root, user_id, client_id, org_id, browser_hash, expires_at)
values (%(id)s, %(root)s, %(user_id)s, %(client_id)s, %(org_id)s, %(browser_hash)s,
        now() + make_interval(secs => %(seconds)s));

-- name: find
select s.id::text, s.root::text, s.client_id, s.org_id, u.id::text as user_id, u.email, u.platform_role
from tenancy.sessions s join tenancy.users u on u.id = s.user_id
where s.id = %(id)s and s.ended_at is null and s.expires_at > now();

-- name: hold
-- Whoever ends a session locks it first: what is issued by one that is held is there to be revoked.
select from tenancy.sessions s
where s.id = %(id)s and s.ended_at is null and s.expires_at > now() for share;

-- name: hold_alone
select from tenancy.sessions s
where s.id = %(id)s and s.ended_at is null and s.expires_at > now() for no key update;

-- name: touch
update tenancy.sessions
set last_used_at = now(), expires_at = now() + make_interval(secs => %(seconds)s), org_id = %(org_id)s
where id = %(id)s;

-- name: of_user
select s.id::text, s.root::text, s.client_id, o.slug as organization, s.created_at, s.last_used_at, s.expires_at
from tenancy.sessions s left join tenancy.organizations o on o.id = s.org_id
where s.user_id = %(user_id)s and s.ended_at is null and s.expires_at > now()
order by s.created_at desc, s.id;

-- name: owner
select s.root::text, s.user_id::text, u.email, s.org_id
from tenancy.sessions s join tenancy.users u on u.id = s.user_id where s.id = %(id)s;

-- name: roots
select distinct s.root::text from tenancy.sessions s
where s.ended_at is null and (%(user_id)s::uuid is null or s.user_id = %(user_id)s)
  and (%(org_id)s::bigint is null or s.org_id = %(org_id)s)
  and (%(but)s::uuid is null or s.root <> %(but)s)
order by 1;

-- name: oldest
select s.root::text from tenancy.sessions s
where s.user_id = %(user_id)s and s.ended_at is null and s.expires_at > now() and s.root <> %(but)s
group by s.root order by min(s.created_at) desc, s.root offset %(keep)s;

-- name: lock_roots
select from tenancy.sessions where id = any(%(roots)s::uuid[]) order by id for update;

-- name: end
update tenancy.sessions set ended_at = now(), ended_why = %(why)s
where root = any(%(roots)s::uuid[]) and ended_at is null
  and (%(client_id)s::text is null or client_id = %(client_id)s);

-- name: purge
-- A root stays while anything below it lives.
delete from tenancy.sessions s
where coalesce(s.ended_at, s.expires_at) < now() - interval '7 days'
  and not exists (
    select from tenancy.sessions c where c.root = s.id and c.id <> s.id
      and coalesce(c.ended_at, c.expires_at) >= now() - interval '7 days');

-- name: standing
select o.id as org_id, o.slug, o.name, m.role
from tenancy.memberships m join tenancy.organizations o on o.id = m.org_id
where m.org_id = %(org_id)s and m.email = %(email)s and o.status = 'COMMITTED'
for share of m;

-- name: standing_by_slug
select o.id as org_id, o.slug, o.name, m.role
from tenancy.memberships m join tenancy.organizations o on o.id = m.org_id
where o.slug = %(slug)s and m.email = %(email)s and o.status = 'COMMITTED'
for share of m;

-- name: usual_standing
-- What an organization's own clients (their ids have a dot) spoke for says nothing of what the person uses.
select o.id as org_id, o.slug, o.name, m.role
from tenancy.memberships m join tenancy.organizations o on o.id = m.org_id,
  lateral (
    select max(s.last_used_at) as at from tenancy.sessions s
    where s.user_id = %(user_id)s and s.org_id = m.org_id and strpos(s.client_id, '.') = 0) used
where m.email = %(email)s and o.status = 'COMMITTED'
order by used.at desc nulls last, m.since, o.id limit 1
for share of m;

-- name: standings
select o.id as org_id, o.slug, o.name, m.role
from tenancy.memberships m join tenancy.organizations o on o.id = m.org_id
where m.email = %(email)s and o.status = 'COMMITTED'
order by o.slug;

-- name: lock_members
select from tenancy.memberships m
where m.org_id = %(org_id)s and (%(email)s::text is null or m.email = %(email)s)
order by m.email for no key update;

-- name: issue
insert into tenancy.issued_tokens (jti, session_id, user_id, org_id, audience, issued_at, expires_at)
select gen_random_uuid(), %(session_id)s, %(user_id)s, %(org_id)s, %(audience)s, to_timestamp(at),
  to_timestamp(at + %(seconds)s)
from floor(extract(epoch from clock_timestamp())) as at
returning jti::text, extract(epoch from issued_at)::bigint as issued_at,
  extract(epoch from expires_at)::bigint as expires_at;

-- name: audit
select tenancy.audit(%(org_id)s, %(action)s, %(target)s, null, %(new)s);
