-- name: add
insert into tenancy.authorization_codes (code_hash, client_id, root, redirect_uri, code_challenge, nonce, scope, expires_at)
values (%(code_hash)s, %(client_id)s, %(root)s, %(redirect_uri)s, %(code_challenge)s, %(nonce)s, %(scope)s,
  now() + make_interval(secs => %(seconds)s));

-- name: take
with found as (
  select code_hash, used_at is not null as was_used, expires_at <= now() as is_old
  from tenancy.authorization_codes where code_hash = %(code_hash)s and client_id = %(client_id)s
  for update
)
update tenancy.authorization_codes c set used_at = coalesce(c.used_at, now())
from found, tenancy.sessions s, tenancy.users u
where c.code_hash = found.code_hash and s.id = c.root and u.id = s.user_id
returning c.redirect_uri, c.code_challenge, c.nonce, c.scope, found.was_used, found.is_old,
  s.id::text as session_id, u.id::text as user_id, u.email, u.platform_role;

-- name: purge
delete from tenancy.authorization_codes where expires_at < now() - interval '1 day';

-- name: forget
delete from tenancy.authorization_codes where code_hash = %(code_hash)s;

-- name: kept
select from tenancy.authorization_codes where code_hash = %(code_hash)s;
