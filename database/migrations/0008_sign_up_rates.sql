-- How often an address may sign up, over all replicas: a bucket of tokens each, which fills again by itself.
-- Unlogged: it is worth no write-ahead log. A server that crashes forgets it, and every bucket is full.
create unlogged table tenancy.sign_up_rates (
  address bytea primary key,
  full_at timestamptz not null,
  wait double precision not null default 0
);
comment on column tenancy.sign_up_rates.address is 'HMAC-SHA256 of the network that an address belongs to; never the address';
comment on column tenancy.sign_up_rates.full_at is 'when the bucket is full again; from then on its row means nothing';
comment on column tenancy.sign_up_rates.wait is 'what the last attempt was told, in seconds; 0 if it took a token';
