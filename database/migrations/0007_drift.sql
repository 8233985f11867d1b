-- Changes of anything but sizes, the repair of what was changed by hand, and what the last comparison has found.

alter table tenancy.operations drop constraint operations_kind_check;
alter table tenancy.operations add constraint operations_kind_check
  check (kind in ('create', 'quota', 'change', 'repair', 'delete'));

create table tenancy.drift_reports (
  org_id bigint primary key references tenancy.organizations,
  checked_at timestamptz not null default now(),
  items jsonb not null
);
comment on table tenancy.drift_reports is
  'What differed between an organization''s stack, rows and cluster when it was last compared; nothing if items is empty.';
comment on column tenancy.drift_reports.items is 'a list of {kind, name, problem}; never a secret';

alter table tenancy.drift_reports enable row level security, force row level security;
create policy platform on tenancy.drift_reports to current_user using (true) with check (true);
create policy own_organization on tenancy.drift_reports to agent_ready_app
  using (org_id = (select tenancy.current_org())) with check (org_id = (select tenancy.current_org()));
