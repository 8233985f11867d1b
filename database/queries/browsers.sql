-- name: find
select s.id::text as session_id, u.id::text as user_id, u.email, u.platform_role
from tenancy.sessions s join tenancy.users u on u.id = s.user_id
where s.browser_hash = %(browser_hash)s and s.ended_at is null and s.expires_at > now() and u.disabled_at is null;
