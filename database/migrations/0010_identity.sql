-- Identity: who people are, what they belong to, how they log in, and which tokens are no longer good.
--
-- All of it is the platform's. An organization's context sees its own members and invitations; nobody but the platform
-- sees accounts, sessions and keys.

create table tenancy.users (
  id uuid primary key default gen_random_uuid(),
  email text not null unique check (email = lower(email) and email <> ''),
  password_hash text,
  platform_role text check (platform_role in ('operator', 'auditor')),
  created_at timestamptz not null default now(),
  password_changed_at timestamptz,
  disabled_at timestamptz
);
comment on table tenancy.users is 'Accounts. An account is made when somebody shows, by a mailed token, that the address is theirs.';
comment on column tenancy.users.password_hash is 'Argon2id in PHC form; null: nobody can log in with a password';

create table tenancy.memberships (
  org_id bigint not null references tenancy.organizations,
  email text not null check (email = lower(email) and email <> ''),
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  since timestamptz not null default now(),
  primary key (org_id, email)
);
create index memberships_of on tenancy.memberships (email);
comment on table tenancy.memberships is
  'Who belongs to what, as the catalog or the API says; by address, because a member may have no account yet.';

create table tenancy.invitations (
  id uuid primary key default gen_random_uuid(),
  org_id bigint not null references tenancy.organizations,
  email text not null check (email = lower(email) and email <> ''),
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  invited_by text not null,
  token_hash text not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  withdrawn_at timestamptz
);
create unique index invitations_open on tenancy.invitations (org_id, email) where accepted_at is null and withdrawn_at is null;

create table tenancy.password_tokens (
  token_hash text primary key,
  email text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index password_tokens_of on tenancy.password_tokens (email);
comment on table tenancy.password_tokens is 'Mailed to an address: whoever brings one sets its password, once.';

create table tenancy.known_networks (
  email text not null,
  network bytea not null,
  last_at timestamptz not null default now(),
  primary key (email, network)
);
comment on table tenancy.known_networks is
  'Where somebody has logged in from: a lock-out by guesses from elsewhere does not reach it. HMAC-SHA256, never an address.';

create table tenancy.oauth_clients (
  client_id text primary key check (client_id ~ '^[a-z0-9][a-z0-9.-]{0,125}$'),
  name text not null,
  secret_hash text check (secret_hash ~ '^[0-9a-f]{64}$'),
  redirect_uris text[] not null check (cardinality(redirect_uris) between 1 and 10),
  org_id bigint references tenancy.organizations,
  created_by text not null,
  created_at timestamptz not null default now()
);
comment on column tenancy.oauth_clients.client_id is
  'an organization''s is <slug>.<name>, the platform''s has no dot: what one registers tells nothing of the others';
comment on column tenancy.oauth_clients.secret_hash is 'SHA-256 of a secret with 256 random bits; null: a public client, PKCE alone';
comment on column tenancy.oauth_clients.org_id is 'whose members alone it may log in; null: the platform''s, everybody';

create table tenancy.client_consents (
  user_id uuid not null references tenancy.users,
  client_id text not null references tenancy.oauth_clients on delete cascade,
  at timestamptz not null default now(),
  primary key (user_id, client_id)
);
create index client_consents_of on tenancy.client_consents (client_id);
comment on table tenancy.client_consents is
  'Who agreed that an organization''s client learns who they are; membership alone, which others write, does not say so.';

create table tenancy.sessions (
  id uuid primary key default gen_random_uuid(),
  root uuid not null references tenancy.sessions deferrable initially deferred,
  user_id uuid not null references tenancy.users,
  client_id text not null,
  org_id bigint references tenancy.organizations,
  browser_hash text unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_why text,
  check ((ended_at is null) = (ended_why is null))
);
create index sessions_of on tenancy.sessions (user_id);
create index sessions_below on tenancy.sessions (root);
comment on column tenancy.sessions.root is 'the log-in that it came from, itself if it is one: they end together';
comment on column tenancy.sessions.org_id is 'the organization that it speaks for now';
comment on column tenancy.sessions.browser_hash is 'SHA-256 of the issuer''s own cookie';

create table tenancy.refresh_tokens (
  token_hash text primary key,
  session_id uuid not null references tenancy.sessions on delete cascade,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index refresh_tokens_of on tenancy.refresh_tokens (session_id);

create table tenancy.authorization_codes (
  code_hash text primary key,
  client_id text not null references tenancy.oauth_clients on delete cascade,
  root uuid not null references tenancy.sessions on delete cascade,
  redirect_uri text not null,
  code_challenge text not null check (code_challenge ~ '^[A-Za-z0-9_-]{43}$'),
  nonce text,
  scope text not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
comment on column tenancy.authorization_codes.root is 'the log-in that it came from; ended when the code comes a second time';

create table tenancy.issued_tokens (
  jti uuid primary key,
  session_id uuid not null,
  user_id uuid not null,
  org_id bigint,
  audience text not null,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index issued_tokens_of_user on tenancy.issued_tokens (user_id);
create index issued_tokens_of_session on tenancy.issued_tokens (session_id);
create index issued_tokens_of_org on tenancy.issued_tokens (org_id);
create index issued_tokens_end on tenancy.issued_tokens (expires_at);
comment on table tenancy.issued_tokens is 'Signed tokens that have not expired, by jti: what there is to revoke.';

create table tenancy.revoked_tokens (
  jti uuid primary key,
  seq bigint not null,
  why text not null,
  revoked_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index revoked_tokens_newer on tenancy.revoked_tokens (seq);
create index revoked_tokens_end on tenancy.revoked_tokens (expires_at);
create table tenancy.revocation_head (
  one boolean primary key default true check (one),
  seq bigint not null default 0
);
insert into tenancy.revocation_head default values;
comment on table tenancy.revocation_head is
  'The newest revocation. Its row lock makes numbers commit in their order, so that a reader who has seen n has seen all below.';

create table tenancy.signing_keys (
  kid text primary key,
  algorithm text not null check (algorithm in ('RS256', 'ES256')),
  public_jwk jsonb not null,
  sealed_private bytea,
  created_at timestamptz not null default now(),
  active_from timestamptz not null,
  replaced_at timestamptz,
  remove_at timestamptz,
  check ((replaced_at is null) = (remove_at is null)),
  check ((replaced_at is null) = (sealed_private is not null))
);
comment on column tenancy.signing_keys.sealed_private is 'PKCS 8, encrypted by a key that is not in this database; gone once replaced';
comment on column tenancy.signing_keys.active_from is 'signs from then on; published from the beginning, so that everybody knows it in time';
comment on column tenancy.signing_keys.remove_at is 'when the last token that it signed has expired';

-- Revokes every token that these conditions name; the denylist's new number, or null if there was none. Verifiers allow for
-- clocks that differ, so a token counts as living for a minute longer than it does.
-- Whoever issues a token holds the user's row (and the membership's) for share, whoever revokes changes or locks it first:
-- so none slips through between.
create function tenancy.revoke_tokens(
  why text, of_jti uuid default null, of_roots uuid[] default null, of_user uuid default null, of_org bigint default null,
  of_client text default null -- of the roots' sessions those of this client alone
) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  found_jtis uuid[];
  new_seq bigint;
begin
  if num_nonnulls(of_jti, of_roots, of_user, of_org) = 0 then
    raise exception 'nothing was named to revoke' using errcode = 'invalid_parameter_value';
  end if;
  select array_agg(t.jti) into found_jtis
  from tenancy.issued_tokens t
  where t.expires_at > now() - interval '1 minute'
    and (of_jti is null or t.jti = of_jti)
    and (of_roots is null or t.session_id in (
      select s.id from tenancy.sessions s where s.root = any(of_roots) and (of_client is null or s.client_id = of_client)))
    and (of_user is null or t.user_id = of_user)
    and (of_org is null or t.org_id = of_org)
    and not exists (select from tenancy.revoked_tokens r where r.jti = t.jti);
  if found_jtis is null then
    return null;
  end if;
  update tenancy.revocation_head set seq = seq + 1 returning seq into new_seq;
  insert into tenancy.revoked_tokens (jti, seq, why, expires_at)
  select t.jti, new_seq, revoke_tokens.why, t.expires_at from tenancy.issued_tokens t where t.jti = any(found_jtis)
  on conflict do nothing;
  return new_seq;
end $$;

-- A membership that ends or changes ends the tokens that spoke by it, whoever writes it; and the invitations of somebody who
-- may invite no more: a removed admin comes back by none that they have sent to themselves. An admin who was an owner may
-- no more invite owners and admins.
create function tenancy.end_standing() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  person uuid := (select u.id from tenancy.users u where u.email = old.email);
begin
  if person is not null then
    perform tenancy.revoke_tokens('the membership ' || case tg_op when 'DELETE' then 'ended' else 'changed' end,
                                  of_user => person, of_org => old.org_id);
  end if;
  if tg_op = 'DELETE' or new.role <> 'owner' then
    update tenancy.invitations i set withdrawn_at = now()
    where i.org_id = old.org_id and i.invited_by = old.email and i.accepted_at is null and i.withdrawn_at is null
      and (tg_op = 'DELETE' or new.role <> 'admin' or i.role in ('owner', 'admin'));
  end if;
  return null;
end $$;
create trigger end_standing_delete after delete on tenancy.memberships
  for each row execute function tenancy.end_standing();
create trigger end_standing_update after update on tenancy.memberships
  for each row when (old.role is distinct from new.role) execute function tenancy.end_standing();

-- So does a change of what somebody is to the platform, or of whether they may log in at all.
create function tenancy.end_user() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform tenancy.revoke_tokens('the account changed', of_user => new.id);
  return null;
end $$;
create trigger end_user after update on tenancy.users
  for each row when (old.platform_role is distinct from new.platform_role
                     or (old.disabled_at is null) <> (new.disabled_at is null))
  execute function tenancy.end_user();

create function tenancy.end_memberships() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  delete from tenancy.memberships m where m.org_id = new.id;
  update tenancy.invitations i set withdrawn_at = now()
    where i.org_id = new.id and i.accepted_at is null and i.withdrawn_at is null;
  delete from tenancy.oauth_clients c where c.org_id = new.id;
  return null;
end $$;
create trigger end_memberships after update of status on tenancy.organizations
  for each row when (new.status = 'DELETED' and old.status <> 'DELETED') execute function tenancy.end_memberships();

do $$
declare
  item record;
begin
  for item in
    select * from (values ('users'), ('memberships'), ('invitations'), ('password_tokens'), ('known_networks'),
      ('oauth_clients'), ('client_consents'), ('sessions'), ('refresh_tokens'), ('authorization_codes'), ('issued_tokens'),
      ('revoked_tokens'), ('revocation_head'), ('signing_keys')) t (name)
  loop
    execute format('alter table tenancy.%I enable row level security, force row level security', item.name);
    execute format('create policy platform on tenancy.%I to current_user using (true) with check (true)', item.name);
  end loop;
  for item in select * from (values ('memberships'), ('invitations')) t (name)
  loop
    execute format(
      'create policy own_organization on tenancy.%I for select to agent_ready_app '
      'using (org_id = (select tenancy.current_org()))', item.name);
  end loop;
end $$;

revoke execute on function tenancy.revoke_tokens(text, uuid, uuid[], uuid, bigint, text), tenancy.end_standing(),
  tenancy.end_user(), tenancy.end_memberships() from public;
grant select (org_id, email, role, since) on tenancy.memberships to agent_ready_app;
grant select (id, org_id, email, role, invited_by, created_at, expires_at, accepted_at, withdrawn_at)
  on tenancy.invitations to agent_ready_app;

-- Organizations of the API that exist already: their members, as they were asked for last. A catalog's next update brings its.
insert into tenancy.memberships (org_id, email, role)
select o.id, member ->> 'email', member ->> 'role'
from tenancy.organizations o
join lateral (
  select p.request from tenancy.operations p
  where p.org_id = o.id
    and (p.kind = 'create' and p.state <> 'FAILED' or p.kind in ('quota', 'change') and p.state = 'COMMITTED')
  order by p.created_at desc limit 1) described on true,
  jsonb_array_elements(described.request -> 'members') member
where o.status <> 'DELETED' and o.managed_by = 'api';
