-- name: due
select o.slug from tenancy.organizations o left join tenancy.drift_reports d on d.org_id = o.id
where o.managed_by = %(managed_by)s and o.status = 'COMMITTED'
  and coalesce(d.checked_at, o.committed_at) < now() - make_interval(secs => %(seconds)s)
order by coalesce(d.checked_at, o.committed_at) limit %(most)s;

-- name: report
insert into tenancy.drift_reports as d (org_id, items)
select o.id, %(items)s::jsonb from tenancy.organizations o
where o.id = %(org_id)s and o.status = 'COMMITTED' and not exists (
  select from tenancy.operations p where p.org_id = o.id and p.id is distinct from %(but)s::uuid
    and (p.state = 'PENDING' or p.state = 'COMMITTED' and p.saved_at is null or p.saved_at > %(since)s or p.ended_at > %(since)s))
on conflict (org_id) do update set checked_at = now(), items = excluded.items
returning org_id;

-- name: now
select now() as now;

-- name: reports
select o.slug, d.checked_at, d.items from tenancy.drift_reports d join tenancy.organizations o on o.id = d.org_id
where o.status = 'COMMITTED' and d.items <> '[]'::jsonb
order by o.slug;

-- name: count
select count(*) as drifted from tenancy.drift_reports d join tenancy.organizations o on o.id = d.org_id
where o.status = 'COMMITTED' and d.items <> '[]'::jsonb;
