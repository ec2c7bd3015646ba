-- The contribution of a run's data to the node statistics, like `src/executions/record/node-counts.ts` for incoming data. Days
-- count from the first of the month, so that no text makes the cast fail.
create or replace function run_nodes(data jsonb, out names text[], out counts integer[])
language sql immutable parallel safe as $$
  with node as materialized (
    select position, node ->> 'name' as name, node -> 'type' as "type", node ->> 'startedAt' as started_at,
      node -> 'runs' as runs, node -> 'error' as error, node -> 'items' as items, node -> 'durationMs' as ms
    from jsonb_array_elements(
      case when jsonb_typeof(data -> 'nodes') = 'array' then data -> 'nodes' else '[]' end
    ) with ordinality as listed (node, position)
    where position <= 500 and jsonb_typeof(node) = 'object' and jsonb_typeof(node -> 'name') = 'string'
  )
  select
    array_agg(case when jsonb_typeof("type") = 'string' then replace(left("type" #>> '{}', 256), e'\n', ' ') else '' end
      || e'\n' || left(name, 256) order by position),
    (select array_agg(count order by position, place) from node cross join lateral (values
      (1, case when started_at ~ '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T.*Z$'
        then (make_date(left(started_at, 4)::integer, substr(started_at, 6, 2)::integer, 1) - date '2000-01-01'
          + substr(started_at, 9, 2)::integer - 1) end),
      (2, greatest(coalesce(count_of(runs, 1000000), 1), 1)),
      (3, case when jsonb_typeof(error) = 'object' then 1 else 0 end),
      (4, coalesce(count_of(items, 1000000000), 0)),
      (5, count_of(ms, 2147483647))
    ) field (place, count))
  from node
$$;
