-- Rolls up at most max_changes changes with about max_nodes nodes. Returns their number; null while another session does
-- it. Single rows can be zero or negative until their counterpart is rolled up: only sums over the views are meaningful.
-- Counts buckets before it builds histograms, because adding numbers with a hundred digits is expensive.
create or replace function fold_execution_changes(max_changes integer default 5000, max_nodes integer default 50000)
returns integer language plpgsql security definer
set search_path = public, pg_temp set jit = off set work_mem = '32MB' set plan_cache_mode = force_generic_plan as $$
declare
  zeros constant uuid := '00000000-0000-0000-0000-000000000000';
  folded integer;
begin
  if not pg_try_advisory_xact_lock(hashtext('flowkeep.execution_rollups')) then
    return null;
  end if;
  with taken as materialized (
    delete from execution_changes
    where ctid = any (array(
      select ctid from execution_changes
      where ctid = any (array(
        select ctid from (
          select ctid, sum(nodes) over (rows between unbounded preceding and 1 preceding) as nodes_before
          from (select ctid, cardinality(node_names) as nodes from execution_changes limit max_changes) next
        ) counted
        where coalesce(nodes_before, 0) < max_nodes))
      for update skip locked))
    returning *
  ), stats as (
    insert into execution_stats as kept
      (user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, recorded_month, grain, at,
       "new", running, waiting, success, error, canceled, crashed, "unknown", durations)
    select s.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, s.kind, s.recorded_month,
      o.grain, date_bin(o.width, s.slot, '2000-01-01Z'), sum("new"), sum(running), sum(waiting), sum(success), sum(error),
      sum(canceled), sum(crashed), sum("unknown"), sum(durations)
    from (
      select user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, recorded_month, slot,
        sum("new") as "new", sum(running) as running, sum(waiting) as waiting, sum(success) as success,
        sum(error) as error, sum(canceled) as canceled, sum(crashed) as crashed, sum("unknown") as "unknown",
        coalesce(sum(runs * duration_histogram(bucket)), 0) as durations
      from (
        select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version, t.kind,
          utc_month(t.recorded_at) as recorded_month, s.slot, s.bucket, sum(t.sign) as runs, sum(s."new") as "new",
          sum(s.running) as running, sum(s.waiting) as waiting, sum(s.success) as success, sum(s.error) as error,
          sum(s.canceled) as canceled, sum(s.crashed) as crashed, sum(s."unknown") as "unknown"
        from taken t
        cross join lateral slots_of_change(row(t.*)::execution_changes) s
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9
      ) by_bucket
      group by 1, 2, 3, 4, 5, 6, 7, 8
    ) s
    cross join lateral (values
      ('hour', interval '1 hour', s.workflow_id, s.instance_id, s.deployment_id, s.workflow_version),
      ('day', '1 day', s.workflow_id, s.instance_id, s.deployment_id, s.workflow_version),
      ('10min', '10 minutes', zeros, zeros, zeros, 0),
      ('hour', '1 hour', zeros, zeros, zeros, 0),
      ('day', '1 day', zeros, zeros, zeros, 0)
    ) o (grain, width, workflow_id, instance_id, deployment_id, workflow_version)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    on conflict on constraint execution_stats_pkey do update set
      "new" = kept."new" + excluded."new",
      running = kept.running + excluded.running,
      waiting = kept.waiting + excluded.waiting,
      success = kept.success + excluded.success,
      error = kept.error + excluded.error,
      canceled = kept.canceled + excluded.canceled,
      crashed = kept.crashed + excluded.crashed,
      "unknown" = kept."unknown" + excluded."unknown",
      durations = kept.durations + excluded.durations
  ), errors as (
    insert into error_stats as kept
      (user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, recorded_month, fingerprint, grain, at,
       runs)
    select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version, t.kind,
      utc_month(t.recorded_at), e.fingerprint, e.grain, e.at, sum(e.runs)
    from taken t
    cross join lateral errors_of_change(row(t.*)::execution_changes) e
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    having sum(e.runs) <> 0
    on conflict on constraint error_stats_pkey do update set runs = kept.runs + excluded.runs
  ), used as (
    insert into usage_stats as kept
      (user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, grain, at, model, executions,
       calls, input, cached, written, output, estimated)
    select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version, utc_month(t.recorded_at),
      u.grain, u.at, u.model, sum(u.executions), sum(u.calls), sum(u.input), sum(u.cached), sum(u.written),
      sum(u.output), sum(u.estimated)
    from taken t
    cross join lateral usage_of_change(row(t.*)::execution_changes) u
    where t.usage is not null
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    on conflict on constraint usage_stats_pkey do update set
      executions = kept.executions + excluded.executions,
      calls = kept.calls + excluded.calls,
      input = kept.input + excluded.input,
      cached = kept.cached + excluded.cached,
      written = kept.written + excluded.written,
      output = kept.output + excluded.output,
      estimated = kept.estimated + excluded.estimated
  ), node_sums as materialized (
    select user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, recorded_month, node, day,
      sum(runs) as runs, sum(executions) as executions, sum(failures) as failures, sum(items) as items,
      sum(total_ms) as total_ms, coalesce(sum(runs * duration_histogram(bucket)), 0) as durations
    from (
      select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version, t.kind, m.recorded_month,
        n.node, n.day, n.bucket, sum(n.runs) as runs, sum(n.executions) as executions, sum(n.failures) as failures,
        sum(n.items) as items, sum(n.total_ms) as total_ms
      from taken t
      cross join lateral (select utc_month(t.recorded_at) as recorded_month offset 0) m
      cross join lateral nodes_of_change(row(t.*)::execution_changes) n
      where t.node_names is not null
      group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    ) by_bucket
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  ), nodes as (
    insert into node_stats as kept
      (user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, recorded_month, node_type, node_name,
       at, runs, executions, failures, items, total_ms, durations)
    select n.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, n.kind, n.recorded_month,
      node_type_of(n.node), o.node_name, start_of_day(n.day), sum(n.runs), sum(n.executions), sum(n.failures),
      sum(n.items), sum(n.total_ms), sum(n.durations)
    from node_sums n
    cross join lateral (values
      (n.workflow_id, n.instance_id, n.deployment_id, n.workflow_version, node_name_of(n.node)),
      (zeros, zeros, zeros, 0, '')
    ) o (workflow_id, instance_id, deployment_id, workflow_version, node_name)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    on conflict on constraint node_stats_pkey do update set
      runs = kept.runs + excluded.runs,
      executions = kept.executions + excluded.executions,
      failures = kept.failures + excluded.failures,
      items = kept.items + excluded.items,
      total_ms = kept.total_ms + excluded.total_ms,
      durations = kept.durations + excluded.durations
  )
  select count(*) into folded from taken;
  return folded;
end $$;
