-- `(…) is true` keeps the project out of the indexes: one note is found by its id. Without statistics (ADR 0018) an index
-- that begins with the project, and holds the id, would seem better, and be read for all of the project's notes.

-- name: add
insert into tenancy.notes (org_id, project_id, title, body, created_by)
select p.org_id, p.id, %(title)s, %(body)s, tenancy.actor()
from tenancy.projects p where p.id = %(project_id)s and p.living
returning id, project_id, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: read
select id, project_id, title, body, version, created_by, created_at, updated_at, deleted_at
from tenancy.notes
where id = %(id)s and (project_id = %(project_id)s) is true and living
  and exists (select from tenancy.projects p where p.id = %(project_id)s and p.living);

-- name: change
update tenancy.notes
set title = coalesce(%(title)s, title), body = coalesce(%(body)s, body)
where id = %(id)s and (project_id = %(project_id)s) is true and living and version = coalesce(%(version)s, version)
  and exists (select from tenancy.projects p where p.id = %(project_id)s and p.living)
returning id, project_id, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: remove
update tenancy.notes set deleted_at = now()
where id = %(id)s and (project_id = %(project_id)s) is true and living and version = coalesce(%(version)s, version)
  and exists (select from tenancy.projects p where p.id = %(project_id)s and p.living)
returning id, project_id, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: restore
update tenancy.notes set deleted_at = null
where id = %(id)s and (project_id = %(project_id)s) is true and not living
  and exists (select from tenancy.projects p where p.id = %(project_id)s and p.living)
returning id, project_id, title, body, version, created_by, created_at, updated_at, deleted_at;

-- name: living
select id, project_id, title, body, version, created_by, created_at, updated_at, deleted_at
from tenancy.notes
where project_id = %(project_id)s and living and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
  and exists (select from tenancy.projects p where p.id = %(project_id)s and p.living)
order by created_at desc, id desc limit %(most)s;

-- name: deleted
select id, project_id, title, body, version, created_by, created_at, updated_at, deleted_at
from tenancy.notes
where project_id = %(project_id)s and not living and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
  and exists (select from tenancy.projects p where p.id = %(project_id)s and p.living)
order by created_at desc, id desc limit %(most)s;
