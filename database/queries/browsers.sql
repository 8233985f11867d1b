-- name: find
select s.id::text as session_id, u.id::text as user_id, u.email, u.platform_role
from tenancy.sessions s join tenancy.users u on u.id = s.user_id
where s.browser_hash = %(browser_hash)s and s.ended_at is null and s.expires_at > now() and u.disabled_at is null;

-- name: is_member
select exists (select from tenancy.memberships where org_id = %(org_id)s and email = %(email)s) as is_member;

-- name: is_enabled
select exists (select from tenancy.users where id = %(user_id)s and disabled_at is null) as is_enabled;

-- name: of_refresh_token
select s.id::text as session_id
from tenancy.refresh_tokens r join tenancy.sessions s on s.id = r.session_id
where r.token_hash = %(token_hash)s and s.client_id = %(client_id)s;
