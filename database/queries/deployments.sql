-- name: lock
select pg_try_advisory_xact_lock(hashtext('agent-ready-k8s.environment'), hashtext(%(environment)s)) as locked;

-- name: exists
select to_regclass('tenancy.placements') is not null as there;

-- name: frames
select stack, digest from tenancy.deployments where environment = %(environment)s;

-- name: placements
select slug, stack, digest, phase, intent::text from tenancy.placements where environment = %(environment)s order by slug;

-- name: begin_stack
insert into tenancy.deployments as d (environment, stack) values (%(environment)s, %(stack)s)
on conflict (environment, stack) do update
  set begun_at = now(), digest = case when %(whole)s then null else d.digest end;

-- name: begin_deploying
insert into tenancy.placements (environment, slug, stack, phase, intent)
select %(environment)s, slug, %(stack)s, 'deploying', intent::jsonb
from unnest(%(slugs)s::text[], %(intents)s::text[]) t (slug, intent)
on conflict (environment, slug) do update
  set stack = excluded.stack, digest = null, phase = 'deploying', intent = excluded.intent;

-- name: begin_deleting
update tenancy.placements set digest = null, phase = 'deleting', intent = null
where environment = %(environment)s and slug = any(%(slugs)s);

-- name: settle
update tenancy.placements set phase = 'settled', intent = null
where environment = %(environment)s and slug = any(%(slugs)s);

-- name: finish_stack
update tenancy.deployments set digest = coalesce(%(digest)s, digest), finished_at = now()
where environment = %(environment)s and stack = %(stack)s;

-- name: finish_deployed
update tenancy.placements p set digest = t.digest, phase = 'settled', intent = null
from unnest(%(slugs)s::text[], %(digests)s::text[]) t (slug, digest)
where p.environment = %(environment)s and p.slug = t.slug;

-- name: finish_deleted
delete from tenancy.placements where environment = %(environment)s and slug = any(%(slugs)s);

-- name: hand_over
update tenancy.placements set stack = %(destination)s, digest = null
where environment = %(environment)s and slug = %(slug)s;

-- name: forget
delete from tenancy.deployments where environment = %(environment)s and stack = %(stack)s;

-- name: place
insert into tenancy.placements (environment, slug, stack) values (%(environment)s, %(slug)s, %(stack)s)
on conflict (environment, slug) do update set stack = excluded.stack;
