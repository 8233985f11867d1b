-- Self-service: what the API was asked to do, how far it got, and what it answered. One row an idempotency key; a worker
-- holds a row by a lease with a number that only grows, so that one that was paused past its lease writes nothing more.

create table tenancy.operations (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('create', 'quota', 'delete')),
  slug text not null,
  org_id bigint not null references tenancy.organizations,
  caller text not null,
  idempotency_key text not null,
  request_hash text not null,
  request jsonb not null,
  reason text not null default '',
  state text not null default 'PENDING' check (state in ('PENDING', 'COMMITTED', 'FAILED')),
  way text check (way in ('parked', 'ordinary')),
  attempt integer not null default 0,
  undoing boolean not null default false,
  lease_holder text,
  lease_number bigint not null default 0,
  lease_until timestamptz,
  answer jsonb,
  problem jsonb,
  token_hash text,
  created_at timestamptz not null default now(),
  ended_at timestamptz,
  saved_at timestamptz,
  unique (caller, idempotency_key),
  check ((state = 'PENDING') = (ended_at is null))
);
create index operations_open on tenancy.operations (lease_until) where ended_at is null or saved_at is null;
create unique index operations_one_at_a_time on tenancy.operations (org_id) where state = 'PENDING';
create index operations_of on tenancy.operations (org_id, created_at);
comment on column tenancy.operations.caller is 'whose key it is: sign-up for everybody without a token, else operator';
comment on column tenancy.operations.request is 'the organization as it is to be, validated; never a secret';
comment on column tenancy.operations.reason is 'in the words of who asked for it';
comment on column tenancy.operations.answer is 'what the caller is told when the operation is COMMITTED, now and on each repetition';
comment on column tenancy.operations.problem is 'RFC 9457: why it FAILED, what was compensated and what could not be';
comment on column tenancy.operations.token_hash is 'SHA-256 of the token that reads this operation and nothing else';
comment on column tenancy.operations.undoing is 'it has failed and is being compensated: never forward again';
comment on column tenancy.operations.saved_at is 'when the stack''s state knew; until then a restart recovers from the cluster';

create table tenancy.operation_steps (
  id bigint generated always as identity primary key,
  operation_id uuid not null references tenancy.operations,
  org_id bigint not null references tenancy.organizations,
  step text not null,
  detail text not null default '',
  at timestamptz not null default clock_timestamp()
);
create index operation_steps_of on tenancy.operation_steps (operation_id, id);
create trigger append_only before update or delete or truncate on tenancy.operation_steps
  for each statement execute function tenancy.refuse_change();

-- A sign-up that failed never was an organization: its slug is free again when nothing of it is left.
alter table tenancy.organizations drop constraint organizations_slug_key;
create unique index organizations_slug_key on tenancy.organizations (slug)
  where status <> 'DELETED' or committed_at is not null;
comment on table tenancy.organizations is
  'One row a customer. A deleted one stays as a tombstone: a slug is never given out again. One that never was committed does not count.';
alter table tenancy.organizations add column stack text;
comment on column tenancy.organizations.stack is 'the Pulumi stack of its own that holds a self-service organization';

do $$
declare
  item record;
begin
  for item in select * from (values ('operations'), ('operation_steps')) t (name)
  loop
    execute format('alter table tenancy.%I enable row level security, force row level security', item.name);
    execute format('create policy platform on tenancy.%I to current_user using (true) with check (true)', item.name);
    execute format(
      'create policy own_organization on tenancy.%I to agent_ready_app '
      'using (org_id = (select tenancy.current_org())) with check (org_id = (select tenancy.current_org()))', item.name);
  end loop;
end $$;
