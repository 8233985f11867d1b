-- name: all
select email, platform_role as role, password_hash is not null as has_account, disabled_at is not null as disabled
from tenancy.users where platform_role is not null order by email;

-- name: ensure
insert into tenancy.users (email) values (%(email)s) on conflict do nothing returning id;

-- name: set_role
-- A trigger revokes what was issued to them: the new role, or none, shows in what they get next.
update tenancy.users set platform_role = %(role)s where email = %(email)s and platform_role is distinct from %(role)s;
