-- Who runs an engine on a self-service organization's stack. The lock of Pulumi's backends is not atomic in all of them
-- and never ends by itself; a lease does. Its number only grows: who comes back with an older one has lost it.
create table tenancy.stack_leases (
  stack text primary key,
  holder text not null,
  number bigint not null default 1,
  until timestamptz not null
);
