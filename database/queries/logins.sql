-- name: of_organization
select role_name, generation, verifier from tenancy.organization_roles where org_id = %(org_id)s order by generation;

-- name: lock_organization
select database_rotation from tenancy.organizations where id = %(org_id)s and status <> 'DELETED' for update;

-- name: bind
insert into tenancy.organization_roles (role_name, org_id, generation, verifier)
values (%(role_name)s, %(org_id)s, %(generation)s, %(verifier)s)
on conflict (org_id, generation) do update set verifier = excluded.verifier
returning role_name;

-- name: drop
select tenancy.drop_login(%(role_name)s);

-- name: drop_all
select tenancy.drop_login(role_name) from tenancy.organization_roles where org_id = %(org_id)s;

-- name: unbind
delete from tenancy.organization_roles where role_name = %(role_name)s;

-- name: unbind_all
delete from tenancy.organization_roles where org_id = %(org_id)s;
