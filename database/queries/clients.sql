-- name: find
select c.client_id, c.name, c.secret_hash, c.redirect_uris, c.org_id, o.slug as org, c.created_by, c.created_at
from tenancy.oauth_clients c left join tenancy.organizations o on o.id = c.org_id
where c.client_id = %(client_id)s;

-- name: of_owner
select c.client_id, c.name, c.secret_hash, c.redirect_uris, c.org_id, o.slug as org, c.created_by, c.created_at
from tenancy.oauth_clients c left join tenancy.organizations o on o.id = c.org_id
where c.org_id is not distinct from %(org_id)s
order by c.client_id;

-- name: lock_owner
select id from tenancy.organizations where id = %(org_id)s and status = 'COMMITTED' for no key update;

-- name: add
insert into tenancy.oauth_clients (client_id, name, secret_hash, redirect_uris, org_id, created_by)
values (%(client_id)s, %(name)s, %(secret_hash)s, %(redirect_uris)s, %(org_id)s, %(created_by)s)
on conflict do nothing returning client_id;

-- name: change
update tenancy.oauth_clients
set name = %(name)s, redirect_uris = %(redirect_uris)s, secret_hash = coalesce(%(secret_hash)s, secret_hash)
where client_id = %(client_id)s and org_id is not distinct from %(org_id)s
returning client_id;

-- name: count
select count(*) as count from tenancy.oauth_clients where org_id is not distinct from %(org_id)s;

-- name: put
insert into tenancy.oauth_clients as c (client_id, name, secret_hash, redirect_uris, org_id, created_by)
values (%(client_id)s, %(name)s, %(secret_hash)s, %(redirect_uris)s, %(org_id)s, %(created_by)s)
on conflict (client_id) do update
  set name = excluded.name, redirect_uris = excluded.redirect_uris, secret_hash = excluded.secret_hash
  where c.org_id is not distinct from excluded.org_id
    and (c.name, c.redirect_uris, c.secret_hash)
      is distinct from (excluded.name, excluded.redirect_uris, excluded.secret_hash);

-- name: remove
delete from tenancy.oauth_clients where client_id = %(client_id)s and org_id is not distinct from %(org_id)s
returning client_id;

-- name: consent
select from tenancy.client_consents where client_id = %(client_id)s and user_id = %(user_id)s;

-- name: add_consent
-- A client that was removed meanwhile has nobody's consent.
insert into tenancy.client_consents (client_id, user_id)
select client_id, %(user_id)s from tenancy.oauth_clients where client_id = %(client_id)s for key share
on conflict do nothing;
