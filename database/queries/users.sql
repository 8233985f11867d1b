-- name: by_email
select u.id::text, u.email, u.platform_role, u.password_hash
from tenancy.users u where u.email = %(email)s and u.disabled_at is null;

-- name: hold
-- Whoever issues or begins something for a user holds the row, and whoever ends all of theirs locks it.
select u.id::text, u.email, u.platform_role from tenancy.users u
where u.id = %(id)s and u.disabled_at is null for share;

-- name: is_enabled
select from tenancy.users where id = %(id)s and disabled_at is null;

-- name: is_password
select from tenancy.users where id = %(id)s and password_hash = %(password_hash)s and disabled_at is null;

-- name: lock
select u.id::text, u.email, u.platform_role from tenancy.users u where u.email = %(email)s for no key update;

-- name: put_password
insert into tenancy.users (email, password_hash, password_changed_at) values (%(email)s, %(password_hash)s, now())
on conflict (email) do update set password_hash = excluded.password_hash, password_changed_at = now()
returning id::text, email, platform_role;

-- name: has_password
select from tenancy.users where email = %(email)s and password_hash is not null;

-- name: is_somebody
select from tenancy.users where email = %(email)s and disabled_at is null
union all select from tenancy.memberships where email = %(email)s
limit 1;

-- name: is_known_network
select from tenancy.known_networks where email = %(email)s and network = any(%(networks)s);

-- name: know_network
insert into tenancy.known_networks (email, network) values (%(email)s, %(network)s)
on conflict (email, network) do update set last_at = now()
-- By the day is enough, and spares each log-in a write.
where known_networks.last_at < now() - interval '1 day';

-- name: forget_networks
delete from tenancy.known_networks where last_at < now() - interval '180 days';

-- name: add_password_token
insert into tenancy.password_tokens (token_hash, email, expires_at)
values (%(token_hash)s, %(email)s, now() + make_interval(secs => %(seconds)s));

-- name: password_token
select email from tenancy.password_tokens
where token_hash = %(token_hash)s and used_at is null and expires_at > now();

-- name: use_password_token
-- All of an address's tokens are used up by one.
with used as (
  update tenancy.password_tokens set used_at = now()
  where token_hash = %(token_hash)s and used_at is null and expires_at > now() returning email
), others as (
  update tenancy.password_tokens o set used_at = now()
  from used where o.email = used.email and o.token_hash <> %(token_hash)s and o.used_at is null
)
select email from used;

-- name: use_password_tokens
update tenancy.password_tokens set used_at = now() where email = %(email)s and used_at is null;

-- name: purge_password_tokens
delete from tenancy.password_tokens where expires_at < now() - interval '1 day';
