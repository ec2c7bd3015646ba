-- Runs in partial hours, which no rollup covers. `place` is the number of the range. Reads one range at a time: for a join
-- with all ranges, the planner expects so many rows that it scans the whole table. A null argument does not filter.
create or replace function runs_between(of_user uuid, starts timestamptz[], ends timestamptz[], are_together boolean,
  of_workflows uuid[], of_deployment uuid, of_instance uuid)
returns table (place integer, deployment_id uuid, workflow_id uuid, instance_id uuid, workflow_version integer,
  kind text, status text, bucket smallint, at timestamptz, runs integer)
language plpgsql stable parallel safe
set plan_cache_mode = force_generic_plan set jit = off set max_parallel_workers_per_gather = 0 as $$
#variable_conflict use_column
declare
  zeros constant uuid := '00000000-0000-0000-0000-000000000000';
  is_chosen constant boolean := num_nonnulls(of_workflows, of_deployment, of_instance) > 0;
begin
  for nth in 1..cardinality(starts) loop
    return query
      select nth, case when are_together then zeros else e.deployment_id end,
        case when are_together then zeros else e.workflow_id end,
        case when are_together then zeros else e.instance_id end,
        case when are_together then 0 else e.workflow_version end, e.kind, e.status,
        duration_bucket(counted_ms(e.started_at, e.finished_at, e.waited, e.active_ms)) as bucket,
        date_bin('1 hour', coalesce(e.started_at, e.finished_at, e.recorded_at), '2000-01-01Z') as hour, count(*)::integer
      from executions e
      where e.user_id = of_user
        and coalesce(e.started_at, e.finished_at, e.recorded_at) >= starts[nth]
        and coalesce(e.started_at, e.finished_at, e.recorded_at) < ends[nth]
        and (not is_chosen or (
          (of_workflows is null or e.workflow_id = any(of_workflows))
          and (of_deployment is null or e.deployment_id = of_deployment)
          and (of_instance is null or e.instance_id = of_instance)))
      group by 2, 3, 4, 5, 6, 7, 8, 9;
  end loop;
end $$;
