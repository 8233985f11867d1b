-- name: add
insert into tenancy.documents (org_id, project_id, name, media_type, content, created_by)
select tenancy.current_org(), %(project_id)s::uuid, %(name)s, %(media_type)s, %(content)s, tenancy.actor()
where %(project_id)s::uuid is null
  or exists (select from tenancy.projects p where p.id = %(project_id)s and p.living)
returning id, project_id, name, media_type, octet_length(content) as size, content, version,
  created_by, created_at, updated_at, deleted_at;

-- name: read
select id, project_id, name, media_type, octet_length(content) as size, content, version,
  created_by, created_at, updated_at, deleted_at
from tenancy.documents t
where id = %(id)s and living
  and (project_id is null or exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.living));

-- name: change
update tenancy.documents t
set name = coalesce(%(name)s, name), media_type = coalesce(%(media_type)s, media_type),
  content = coalesce(%(content)s, content)
where id = %(id)s and living and version = coalesce(%(version)s, version)
  and (project_id is null or exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.living))
returning id, project_id, name, media_type, octet_length(content) as size, content, version,
  created_by, created_at, updated_at, deleted_at;

-- name: remove
update tenancy.documents t set deleted_at = now()
where id = %(id)s and living and version = coalesce(%(version)s, version)
  and (project_id is null or exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.living))
returning id, project_id, name, media_type, octet_length(content) as size, content, version,
  created_by, created_at, updated_at, deleted_at;

-- name: restore
update tenancy.documents t set deleted_at = null
where id = %(id)s and not living
  and (project_id is null or exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.living))
returning id, project_id, name, media_type, octet_length(content) as size, content, version,
  created_by, created_at, updated_at, deleted_at;

-- name: living
select id, project_id, name, media_type, octet_length(content) as size, null as content, version,
  created_by, created_at, updated_at, deleted_at
from tenancy.documents t
where living and (created_at, id) < (%(at)s, %(before)s)
  and (%(project_id)s::uuid is null or project_id = %(project_id)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
  and (project_id is null or exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.living))
order by created_at desc, id desc limit %(most)s;

-- name: deleted
select id, project_id, name, media_type, octet_length(content) as size, null as content, version,
  created_by, created_at, updated_at, deleted_at
from tenancy.documents t
where not living and (created_at, id) < (%(at)s, %(before)s)
  and (%(project_id)s::uuid is null or project_id = %(project_id)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
  and (project_id is null or exists (
    select from tenancy.projects p where p.org_id = t.org_id and p.id = t.project_id and p.living))
order by created_at desc, id desc limit %(most)s;
