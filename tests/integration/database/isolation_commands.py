"""The statements that are tried: `{t}` is a table or view, `{a}` what can be read of it, `{c}` a column, `{v}` a value,
`{n}` a new name.
"""

#: What names no row.
WHOLE = {
    "SELECT": "select {a} from {t}",
    "TABLE": "table {t}",
    "WHOLE ROW": "select r::text from {t} r",
    "SYSTEM COLUMNS": "select tableoid, xmin, ctid, {a} from {t}",
    "JSON": "select to_jsonb(r) from {t} r",
    "CTE": "with found as materialized (select {a} from {t}) select * from found",
    "ROW SECURITY OFF": "set local row_security = off; select {a} from {t}",
    "SAMPLE": "select {a} from {t} tablesample system (100)",
    "LEFT JOIN": "select {a} from (select 1) one left join {t} r on true",
    "FOR UPDATE ALL": "select {a} from {t} for update",
    "FOR KEY SHARE": "select {a} from {t} for key share",
    "CURSOR ALL": "declare {n} cursor for select {a} from {t}; fetch all from {n}",
    "SCROLL": "declare {n} scroll cursor for select {a} from {t}; move last in {n}; fetch backward all from {n}",
    "COPY TO": "copy {t} ({a}) to stdout",
    "COPY QUERY": "copy (select {a} from {t}) to stdout",
    "STATISTICS": "select * from pg_stats where schemaname = 'tenancy' and tablename = {name}",
    "KEPT VALUES": "select stavalues1 from pg_statistic where starelid = {regclass}::regclass",
}

#: What nobody but the platform may do.
REFUSED = {
    "TRUNCATE": "truncate {t}",
    "TRUNCATE CASCADE": "truncate {t} cascade",
    "COPY FROM": "copy {t} from stdin",
    "DISABLE": "alter table {t} disable row level security",
    "NO FORCE": "alter table {t} no force row level security",
    "POLICY": "create policy mine on {t} using (true)",
    "INDEX": "create index on {t} ((1))",
    "TRIGGER": "create trigger mine before update on {t} for each row execute function tenancy.refuse_change()",
    "INHERIT": "create table tenancy.mine () inherits ({t})",
    "VIEW": "create view tenancy.mine as select 1 as one from {t}",
    "LOCK": "lock table {t} in access exclusive mode",
    "DROP": "drop table {t}",
}

#: What names a value.
BY_VALUE = {
    "SELECT WHERE": "select {a} from {t} where {c} = {v}",
    "COUNT": "select count(*) from {t} where {c} = {v}",
    "EXISTS": "select exists (select from {t} where {c} = {v})",
    "FOR UPDATE": "select {a} from {t} where {c} = {v} for update",
    "OR ERROR": "select 1 / (case when {c}::text = {v}::text then 0 else 1 end) from {t}",
    "CAST": "select (case when {c}::text = {v}::text then {c}::text || 'x' end)::numeric from {t}",
    "CAST WHERE": "select 1 from {t} where ({c}::text || 'x')::bigint = 1 and {c} = {v}",
    "EXPLAIN": "explain select {a} from {t} where {c} = {v}",
    "EXPLAIN RANGE": "explain select {a} from {t} where {c} > {v}",
    "EXPLAIN ANALYZE": "explain (analyze, timing off, summary off) select {a} from {t} where {c} = {v}",
    "EXPLAIN BY INDEX": (
        "set local enable_seqscan = off; set local enable_bitmapscan = off; "
        "explain (analyze, timing off, summary off) select {a} from {t} where {c} = {v}"
    ),
    "EXPLAIN ANALYZE RANGE": (
        "set local enable_indexscan = off; set local enable_bitmapscan = off; "
        "explain (analyze, timing off, summary off) select {a} from {t} where {c} >= {v} and {c} <= {v}"
    ),
    "UPDATE": "update {t} set {c} = {c} where {c} = {v}",
    "UPDATE ONLY": "update only {t} set {c} = {v} where {c} = {v}",
    "DELETE": "delete from {t} where {c} = {v}",
    "MERGE": "merge into {t} r using (select {v} as v) one on r.{c} = one.v when matched then delete",
    "CTE DELETE": "with gone as (delete from {t} where {c} = {v} returning {a}) select * from gone",
    "CURSOR": "declare {n} cursor for select {a} from {t} where {c} = {v}; fetch all from {n}",
    "PREPARED": "prepare {n} as select {a} from {t} where {c} = $1; execute {n} ({v})",
    "COPY WHERE": "copy (select {a} from {t} where {c} = {v}) to stdout",
    "SORT": "select {a} from {t} order by {c} = {v} desc limit 1",
    "AGGREGATE": "select max({c}::text) from {t} where {c} = {v}",
}

#: Those of them that touch only rows with that value.
AIMED = {"SELECT WHERE", "FOR UPDATE", "UPDATE", "UPDATE ONLY", "DELETE", "MERGE", "CTE DELETE", "CURSOR", "PREPARED"}
#: About a sequence: none may be read or moved, they count for everybody.
SEQUENCE = {
    "NEXTVAL": "select nextval({literal})",
    "SETVAL": "select setval({literal}, 1)",
    "CURRVAL": "select currval({literal})",
    "LAST VALUE": "select last from pg_sequence_last_value({literal}::regclass) last where last is not null",
    "SEQUENCE": "select last_value from {s}",
}
