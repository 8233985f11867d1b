-- name: withdraw_open
update tenancy.invitations set withdrawn_at = now()
where org_id = %(org_id)s and email = %(email)s and accepted_at is null and withdrawn_at is null;

-- name: add
insert into tenancy.invitations (org_id, email, role, invited_by, token_hash, expires_at)
values (%(org_id)s, %(email)s, %(role)s, %(invited_by)s, %(token_hash)s, now() + make_interval(secs => %(seconds)s))
returning id::text, email, role, invited_by, created_at, expires_at;

-- name: open
select id::text, email, role, invited_by, created_at, expires_at from tenancy.invitations
where org_id = %(org_id)s and accepted_at is null and withdrawn_at is null and expires_at > now()
order by email;

-- name: by_id
select id::text, email, role, invited_by, created_at, expires_at from tenancy.invitations
where org_id = %(org_id)s and id = %(id)s::uuid and accepted_at is null and withdrawn_at is null;

-- name: withdraw
update tenancy.invitations set withdrawn_at = now()
where org_id = %(org_id)s and id = %(id)s::uuid and accepted_at is null and withdrawn_at is null
returning id;

-- name: lock_by_token
-- One that was accepted is found again: its holder may have missed the answer.
select i.id::text, i.email, i.role, o.slug
from tenancy.invitations i join tenancy.organizations o on o.id = i.org_id
where i.token_hash = %(token_hash)s and i.withdrawn_at is null and i.expires_at > now() and o.status <> 'DELETED'
for update of i;

-- name: accept
update tenancy.invitations set accepted_at = now()
where id = %(id)s::uuid and accepted_at is null and withdrawn_at is null and expires_at > now()
returning id;
