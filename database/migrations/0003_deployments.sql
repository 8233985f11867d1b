-- What each stack of an environment has deployed: an update may pass by a stack whose digest has not changed, and no
-- stack deploys an organization that another one holds.
create table tenancy.deployments (
  environment text not null,
  stack text not null,
  digest text,
  slugs text[] not null,
  begun_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (environment, stack)
);
comment on column tenancy.deployments.digest is 'null while an update runs, and after one that did not finish';
