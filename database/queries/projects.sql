-- name: add
insert into tenancy.projects (org_id, name, description, created_by)
values (tenancy.current_org(), %(name)s, %(description)s, tenancy.actor())
returning id, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: read
select id, name, description, version, created_by, created_at, updated_at, deleted_at
from tenancy.projects
where id = %(id)s and living;

-- name: change
update tenancy.projects
set name = coalesce(%(name)s, name), description = coalesce(%(description)s, description)
where id = %(id)s and living and version = coalesce(%(version)s, version)
returning id, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: remove
update tenancy.projects set deleted_at = now()
where id = %(id)s and living and version = coalesce(%(version)s, version)
returning id, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: restore
update tenancy.projects set deleted_at = null
where id = %(id)s and not living
returning id, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: living
select id, name, description, version, created_by, created_at, updated_at, deleted_at
from tenancy.projects
where living and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
order by created_at desc, id desc limit %(most)s;

-- name: deleted
select id, name, description, version, created_by, created_at, updated_at, deleted_at
from tenancy.projects
where not living and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
order by created_at desc, id desc limit %(most)s;
