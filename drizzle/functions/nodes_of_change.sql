-- The contribution of a change per node. `node` is the node's type, a line feed and its name; `day` counts from 2000-01-01.
create or replace function nodes_of_change(change execution_changes) returns table (
  node text, day integer, runs bigint, executions integer, failures integer, items bigint, total_ms bigint,
  bucket smallint)
language sql stable parallel safe as $$
  select n.node,
    coalesce(c.counts[n.place * 5 - 4], (change.recorded_at at time zone 'UTC')::date - date '2000-01-01'),
    (change.sign * c.counts[n.place * 5 - 3])::bigint, change.sign::integer,
    change.sign * c.counts[n.place * 5 - 2], (change.sign * c.counts[n.place * 5 - 1])::bigint,
    (change.sign * coalesce(c.counts[n.place * 5], 0))::bigint,
    duration_bucket(c.counts[n.place * 5] / c.counts[n.place * 5 - 3])
  -- Decompressed once instead of for each subscript.
  from (select change.node_counts || '{}'::integer[] as counts offset 0) c
  cross join unnest(change.node_names) with ordinality n (node, place)
$$;
