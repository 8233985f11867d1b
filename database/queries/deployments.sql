-- name: exists
select to_regclass('tenancy.deployments') is not null as there;

-- name: all
select stack, digest, slugs from tenancy.deployments where environment = %(environment)s;

-- name: begin
insert into tenancy.deployments as d (environment, stack, slugs) values (%(environment)s, %(stack)s, %(slugs)s)
on conflict (environment, stack) do update
  set digest = null, begun_at = now(), slugs = array(select distinct unnest(d.slugs || excluded.slugs) order by 1);

-- name: finish
insert into tenancy.deployments (environment, stack, slugs, digest, finished_at)
values (%(environment)s, %(stack)s, %(slugs)s, %(digest)s, now())
on conflict (environment, stack) do update
  set digest = excluded.digest, slugs = excluded.slugs, finished_at = excluded.finished_at;

-- name: hand_over
with taken as (
  update tenancy.deployments set digest = null, slugs = array_remove(slugs, %(slug)s)
  where environment = %(environment)s and stack = %(source)s
)
insert into tenancy.deployments as d (environment, stack, slugs)
values (%(environment)s, %(destination)s, array[%(slug)s])
on conflict (environment, stack) do update set digest = null, slugs = d.slugs || excluded.slugs;

-- name: forget
delete from tenancy.deployments where environment = %(environment)s and stack = %(stack)s;
