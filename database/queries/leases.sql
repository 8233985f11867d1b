-- name: take
insert into tenancy.stack_leases as l (stack, holder, until)
values (%(stack)s, %(holder)s, now() + make_interval(secs => %(seconds)s))
on conflict (stack) do update set holder = excluded.holder, number = l.number + 1, until = excluded.until
  where l.until < now()
returning number;

-- name: holder
select holder, until from tenancy.stack_leases where stack = %(stack)s;

-- name: prolong
update tenancy.stack_leases set until = now() + make_interval(secs => %(seconds)s)
where stack = %(stack)s and number = %(number)s
returning number;

-- name: release
update tenancy.stack_leases set until = '-infinity' where stack = %(stack)s and number = %(number)s;

-- name: forget
delete from tenancy.stack_leases where stack = %(stack)s;
