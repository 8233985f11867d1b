-- name: lock
lock table tenancy.signing_keys in share row exclusive mode;

-- name: published
select kid, algorithm, public_jwk, sealed_private, active_from <= now() as is_active,
  extract(epoch from active_from)::float8 as active_from, extract(epoch from remove_at)::float8 as remove_at
from tenancy.signing_keys
where remove_at is null or remove_at > now()
order by signing_keys.active_from desc, created_at desc;

-- name: state
select kid, active_from <= now() as is_active,
  active_from < now() - make_interval(secs => %(lifetime)s) as is_due
from tenancy.signing_keys where replaced_at is null
order by active_from desc, created_at desc;

-- name: add
insert into tenancy.signing_keys (kid, algorithm, public_jwk, sealed_private, active_from)
values (%(kid)s, 'RS256', %(public_jwk)s, %(sealed)s, now() + make_interval(secs => %(lead)s));

-- name: replace
update tenancy.signing_keys
set replaced_at = now(), remove_at = now() + make_interval(secs => %(keep)s), sealed_private = null
where kid <> %(kid)s and replaced_at is null;

-- name: withdraw
update tenancy.signing_keys
set replaced_at = now(), remove_at = now(), sealed_private = null
where kid <> %(kid)s and (remove_at is null or remove_at > now());

-- name: purge
delete from tenancy.signing_keys where remove_at <= now();
