-- name: oldest
select coalesce(extract(epoch from now() - min(created_at)), 0)::float as seconds
from tenancy.outbox where published_at is null;
