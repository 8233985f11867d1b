-- name: history
select version, revision, old_value, new_value, actor, reason, changed_at from tenancy.config_history
where org_id = %(org_id)s and service = %(service)s and key = %(key)s and version < %(before)s
order by version desc limit %(most)s;

-- name: version
select new_value from tenancy.config_history
where org_id = %(org_id)s and service = %(service)s and key = %(key)s and version = %(version)s;

-- name: revision_at
select coalesce(max(revision), 0) as revision from tenancy.config_history
where org_id = %(org_id)s and changed_at <= %(at)s;

-- name: as_of
select distinct on (service, key) service, key, new_value as value, version, revision, actor, reason, changed_at
from tenancy.config_history
where org_id = %(org_id)s and revision <= %(revision)s order by service, key, version desc;
