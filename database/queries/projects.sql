-- name: add
insert into tenancy.projects (org_id, name, description, created_by)
values (tenancy.current_org(), %(name)s, %(description)s, tenancy.actor())
returning id::text, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: read
select id::text, name, description, version, created_by, created_at, updated_at, deleted_at
from tenancy.projects
where id = %(id)s and deleted_at is null;

-- name: change
update tenancy.projects
set name = coalesce(%(name)s, name), description = coalesce(%(description)s, description)
where id = %(id)s and deleted_at is null and version = coalesce(%(version)s, version)
returning id::text, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: remove
update tenancy.projects set deleted_at = now()
where id = %(id)s and deleted_at is null and version = coalesce(%(version)s, version)
returning id::text, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: restore
update tenancy.projects set deleted_at = null
where id = %(id)s and deleted_at is not null
returning id::text, name, description, version, created_by, created_at, updated_at, deleted_at;

-- name: living
select id::text, name, description, version, created_by, created_at, updated_at, deleted_at
from tenancy.projects
where deleted_at is null and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
order by created_at desc, id desc limit %(most)s;

-- name: deleted
select id::text, name, description, version, created_by, created_at, updated_at, deleted_at
from tenancy.projects
where deleted_at is not null and (created_at, id) < (%(at)s, %(before)s)
  and (%(words)s::text is null or words @@ (select plainto_tsquery('pg_catalog.simple', %(words)s)))
order by created_at desc, id desc limit %(most)s;
