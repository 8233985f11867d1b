"""The control plane's only way to PostgreSQL, the source of truth.

Here belong migrations, queries (in `.sql`), the connection pool and the tenant context of each transaction. Nothing
here knows Kubernetes, Redis, HTTP or Pulumi, and no other room imports psycopg.
"""
