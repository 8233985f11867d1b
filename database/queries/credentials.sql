-- name: put
insert into tenancy.pod_credentials as c (org_id, username, password_sha256)
select id, %(username)s, %(password_sha256)s from tenancy.organizations
where id = %(org_id)s and status <> 'DELETED' for share
on conflict (org_id) do update
  set username = excluded.username, password_sha256 = excluded.password_sha256,
      changed_at = case when c.password_sha256 = excluded.password_sha256 then c.changed_at else now() end
returning org_id;

-- name: of_organization
select password_sha256 from tenancy.pod_credentials where org_id = %(org_id)s;

-- name: all
select org_id, password_sha256 from tenancy.pod_credentials order by org_id;

-- name: forget
delete from tenancy.pod_credentials where org_id = %(org_id)s;
