-- name: newer
select h.seq as head, r.jti::text
from tenancy.revocation_head h left join tenancy.revoked_tokens r on r.seq > %(seen)s;

-- name: revoke
select tenancy.revoke_tokens(
  %(why)s, of_jti => %(jti)s, of_roots => %(roots)s::uuid[], of_user => %(user_id)s, of_org => %(org_id)s,
  of_client => %(client_id)s) as seq;

-- name: count
select count(*) as revoked from tenancy.revoked_tokens where seq = any(%(seqs)s);

-- name: issued
select i.jti::text, i.user_id::text, u.email, i.org_id
from tenancy.issued_tokens i join tenancy.users u on u.id = i.user_id where i.jti = %(jti)s;

-- name: is_revoked
select from tenancy.revoked_tokens where jti = %(jti)s::uuid;

-- name: purge_revoked
-- A minute longer than they live: clocks differ, and verifiers allow for that.
delete from tenancy.revoked_tokens where expires_at < now() - interval '1 minute';

-- name: purge_issued
delete from tenancy.issued_tokens where expires_at < now() - interval '1 minute';
