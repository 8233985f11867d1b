-- name: session_of
select session_id::text from tenancy.refresh_tokens where token_hash = %(token_hash)s;

-- name: read
select used_at is not null as was_used, coalesce(used_at > clock_timestamp() - make_interval(secs => %(grace)s), true)
  as is_in_grace
from tenancy.refresh_tokens where token_hash = %(token_hash)s and expires_at > now();

-- name: unused_of
select token_hash from tenancy.refresh_tokens
where token_hash = any(%(hashes)s) and used_at is null and expires_at > now();

-- name: use
update tenancy.refresh_tokens set used_at = clock_timestamp() where token_hash = %(token_hash)s;

-- name: add
insert into tenancy.refresh_tokens (token_hash, session_id, expires_at)
values (%(token_hash)s, %(session_id)s, now() + make_interval(secs => %(seconds)s));

-- name: purge
delete from tenancy.refresh_tokens where expires_at < now();
