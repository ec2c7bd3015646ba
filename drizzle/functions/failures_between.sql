-- Failures in partial hours, which no rollup covers. `place` is the number of the range.
create or replace function failures_between(of_user uuid, starts timestamptz[], ends timestamptz[])
returns table (place integer, deployment_id uuid, workflow_id uuid, instance_id uuid, workflow_version integer,
  kind text, fingerprint text, at timestamptz, runs integer)
language plpgsql stable parallel safe
set plan_cache_mode = force_generic_plan set jit = off set max_parallel_workers_per_gather = 0 as $$
#variable_conflict use_column
begin
  for nth in 1..cardinality(starts) loop
    return query
      select nth, e.deployment_id, e.workflow_id, e.instance_id, e.workflow_version, e.kind,
        e.error_fingerprint,
        date_bin('1 hour', coalesce(e.started_at, e.finished_at, e.recorded_at), '2000-01-01Z') as hour, count(*)::integer
      from executions e
      where e.user_id = of_user
        and coalesce(e.started_at, e.finished_at, e.recorded_at) >= starts[nth]
        and coalesce(e.started_at, e.finished_at, e.recorded_at) < ends[nth]
        and e.error_fingerprint is not null and e.status in ('error', 'crashed')
      group by 2, 3, 4, 5, 6, 7, 8;
  end loop;
end $$;
