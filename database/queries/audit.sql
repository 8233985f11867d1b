-- name: page
select l.seq, l.at, l.actor, l.action, l.target, l.old, l.new, l.reason, l.request_id, encode(l.hash, 'hex') as hash
from tenancy.audit_log l
where l.org_id = %(org_id)s and l.seq > %(after)s order by l.seq limit %(most)s;

-- name: exported
select l.seq, tenancy.audit_text(l) as entry, encode(l.previous, 'hex') as previous, encode(l.hash, 'hex') as hash
from tenancy.audit_log l
where l.org_id = %(org_id)s and l.seq > %(after)s and l.seq <= %(until)s order by l.seq limit %(most)s;

-- name: head
select seq, encode(hash, 'hex') as hash from tenancy.audit_heads where org_id = %(org_id)s;

-- name: verify
select seq, problem from tenancy.verify_audit(%(org_id)s) limit %(most)s;
