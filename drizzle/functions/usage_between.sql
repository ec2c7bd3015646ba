-- Usage in partial hours, which no rollup covers. `place` is the number of the range.
create or replace function usage_between(of_user uuid, starts timestamptz[], ends timestamptz[])
returns table (place integer, deployment_id uuid, workflow_id uuid, instance_id uuid, workflow_version integer,
  model text, at timestamptz, executions integer, calls bigint, input bigint, cached bigint, written bigint,
  output bigint, estimated bigint)
language plpgsql stable parallel safe
set plan_cache_mode = force_generic_plan set jit = off set max_parallel_workers_per_gather = 0 as $$
#variable_conflict use_column
begin
  for nth in 1..cardinality(starts) loop
    return query
      select nth, e.deployment_id, e.workflow_id, e.instance_id, e.workflow_version, u.model,
        date_bin('1 hour', coalesce(e.started_at, e.finished_at, e.recorded_at), '2000-01-01Z') as hour,
        count(*)::integer, sum(u.calls)::bigint, sum(u.input)::bigint, sum(u.cached)::bigint, sum(u.written)::bigint,
        sum(u.output)::bigint, sum(u.estimated)::bigint
      from executions e
      cross join lateral usage_by_model(e.usage) u
      where e.user_id = of_user
        and coalesce(e.started_at, e.finished_at, e.recorded_at) >= starts[nth]
        and coalesce(e.started_at, e.finished_at, e.recorded_at) < ends[nth]
        and e.usage is not null
      group by 2, 3, 4, 5, 6, 7;
  end loop;
end $$;
