-- Where each organization of an environment is held, and what an update that began means to make of it. An update
-- that is killed leaves its intent here, so that the next one can finish it whatever the catalog says by then.

create table tenancy.placements (
  environment text not null,
  slug text not null,
  stack text not null,
  digest text,
  phase text not null default 'settled' check (phase in ('settled', 'deploying', 'deleting')),
  intent jsonb,
  primary key (environment, slug),
  check ((phase = 'deploying') = (intent is not null))
);
comment on column tenancy.placements.digest is 'of the plan that was deployed; null if that is not known';
comment on column tenancy.placements.phase is 'settled: the stack''s state knows what was done; else an update began';
comment on column tenancy.placements.intent is 'the organization as an update that began means to deploy it';

insert into tenancy.placements (environment, slug, stack)
select distinct on (environment, slug) environment, slug, stack
from tenancy.deployments, unnest(slugs) slug
order by environment, slug, begun_at desc;

alter table tenancy.deployments drop column slugs;
update tenancy.deployments set digest = null;
comment on column tenancy.deployments.digest is 'of what a stack deploys beside its organizations; null if not known';
