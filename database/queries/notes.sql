-- name: add
insert into tenancy.notes (org_id, project_id, title, body, created_by)
select p.org_id, p.id, %(title)s, %(body)s, tenancy.actor()
from tenancy.projects p where p.id = %(project_id)s and p.deleted_at is null
returning id::text, project_id::text, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: read
select id::text, project_id::text, title, body, version, created_by, created_at, updated_at, deleted_at
from tenancy.notes t
where project_id = %(project_id)s and id = %(id)s and deleted_at is null
  and exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.deleted_at is null);

-- name: change
update tenancy.notes t
set title = coalesce(%(title)s, title), body = coalesce(%(body)s, body)
where project_id = %(project_id)s and id = %(id)s and deleted_at is null and version = coalesce(%(version)s, version)
  and exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.deleted_at is null)
returning id::text, project_id::text, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: remove
update tenancy.notes t set deleted_at = now()
where project_id = %(project_id)s and id = %(id)s and deleted_at is null and version = coalesce(%(version)s, version)
  and exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.deleted_at is null)
returning id::text, project_id::text, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: restore
update tenancy.notes t set deleted_at = null
where project_id = %(project_id)s and id = %(id)s and deleted_at is not null
  and exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.deleted_at is null)
returning id::text, project_id::text, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: living
select id::text, project_id::text, title, body, version, created_by, created_at, updated_at, deleted_at
from tenancy.notes t
where project_id = %(project_id)s and deleted_at is null and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
  and exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.deleted_at is null)
order by created_at desc, id desc limit %(most)s;

-- name: deleted
select id::text, project_id::text, title, body, version, created_by, created_at, updated_at, deleted_at
from tenancy.notes t
where project_id = %(project_id)s and deleted_at is not null and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
  and exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.deleted_at is null)
order by created_at desc, id desc limit %(most)s;
