-- name: take
-- A bucket is never emptier than empty, also if it was filled by other settings.
insert into tenancy.sign_up_rates as r (address, full_at)
values (%(address)s, now() + make_interval(secs => %(each)s))
on conflict (address) do update set (full_at, wait) = (
  select case when late > 0 then base else base + each end, greatest(late, 0)
  from (select make_interval(secs => %(each)s) as each, make_interval(secs => %(each)s) * %(burst)s as whole) size,
    lateral (select least(greatest(r.full_at, now()), now() + whole) as base) bucket,
    lateral (select extract(epoch from base + each - whole - now()) as late) next)
returning wait;

-- name: give_back
update tenancy.sign_up_rates r set full_at = r.full_at - make_interval(secs => taken.each)
from unnest(%(addresses)s::bytea[], %(eachs)s::float8[]) as taken (address, each)
where r.address = taken.address;

-- name: forget_full
delete from tenancy.sign_up_rates where full_at <= now();
