-- What runs with every delivery and with every question to analytics is a function from here on: a session plans it once,
-- and planning took longer than the work.

-- What is recorded is folded once more as before, for all of it is counted below: first while deliveries go on, then
-- what came meanwhile. Nobody else folds from here on, and whoever does is waited for.
set local lock_timeout = '30s';
--> statement-breakpoint
select pg_advisory_xact_lock(hashtext('flowkeep.execution_rollups'));
--> statement-breakpoint
set local lock_timeout = '2s';
--> statement-breakpoint
do $$ begin
  while fold_execution_changes(100000, 1000000) > 0 loop
  end loop;
end $$;
--> statement-breakpoint
-- Deliveries wait from here on.
lock table execution_changes in share row exclusive mode;
--> statement-breakpoint
do $$ begin
  while fold_execution_changes(100000, 1000000) > 0 loop
  end loop;
end $$;
--> statement-breakpoint
-- Bucket 0 holds 0 ms; bucket n what lies from 1.1^(n-1) up to 1.1^n. By a search in the 400 bounds: `ms` is evaluated
-- once, however dear it is.
do $$ begin
  execute format($f$
    create or replace function duration_bucket(ms bigint) returns smallint language sql immutable parallel safe as
    $b$ select width_bucket(ms::float8, %L::float8[])::smallint $b$ $f$,
    array(select power(1.1::float8, n) from generate_series(0, 399) n)::text);
end $$;
--> statement-breakpoint
-- As before, but from what is immutable throughout: only so is it inlined.
create or replace function duration_histogram(bucket smallint) returns numeric language sql immutable parallel safe as $$
  select ('1e' || (12 * bucket)::text)::numeric
$$;
--> statement-breakpoint
create function run_ms(started_at timestamptz, finished_at timestamptz) returns bigint
language sql immutable parallel safe as $$
  select case when finished_at >= started_at then (date_part('epoch', finished_at - started_at) * 1000)::bigint end
$$;
--> statement-breakpoint
-- Of all of a user's runs together, what is there already.
insert into execution_stats
  (user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, grain, at,
   "new", running, waiting, success, error, canceled, crashed, "unknown", durations)
select user_id, zeros, zeros, zeros, 0, recorded_month, '10min', slot, sum("new"), sum(running), sum(waiting), sum(success),
  sum(error), sum(canceled), sum(crashed), sum("unknown"), coalesce(sum(runs * duration_histogram(bucket)), 0)
from (
  select user_id, '00000000-0000-0000-0000-000000000000'::uuid as zeros, utc_month(recorded_at) as recorded_month,
    date_bin('10 minutes', coalesce(started_at, finished_at, recorded_at), '2000-01-01Z') as slot,
    duration_bucket(run_ms(started_at, finished_at)) as bucket, count(*) as runs,
    count(*) filter (where status = 'new') as "new", count(*) filter (where status = 'running') as running,
    count(*) filter (where status = 'waiting') as waiting, count(*) filter (where status = 'success') as success,
    count(*) filter (where status = 'error') as error, count(*) filter (where status = 'canceled') as canceled,
    count(*) filter (where status = 'crashed') as crashed, count(*) filter (where status = 'unknown') as "unknown"
  from executions
  where recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon)
  group by 1, 2, 3, 4, 5
) by_bucket
group by 1, 2, 6, 8;
--> statement-breakpoint
CREATE INDEX "executions_failed_idx" ON "executions" USING btree ("user_id",coalesce("started_at", "finished_at", "recorded_at")) WHERE "executions"."error_fingerprint" is not null;
--> statement-breakpoint
create function slots_of_change(change execution_changes) returns table (
  slot timestamptz, "new" integer, running integer, waiting integer, success integer, error integer, canceled integer,
  crashed integer, "unknown" integer, bucket smallint)
language sql stable parallel safe as $$
  select date_bin('10 minutes', coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'),
    case change.status when 'new' then change.sign else 0 end::integer,
    case change.status when 'running' then change.sign else 0 end::integer,
    case change.status when 'waiting' then change.sign else 0 end::integer,
    case change.status when 'success' then change.sign else 0 end::integer,
    case change.status when 'error' then change.sign else 0 end::integer,
    case change.status when 'canceled' then change.sign else 0 end::integer,
    case change.status when 'crashed' then change.sign else 0 end::integer,
    case change.status when 'unknown' then change.sign else 0 end::integer,
    duration_bucket(run_ms(change.started_at, change.finished_at))
$$;
--> statement-breakpoint
-- All of a user's runs together are kept by ten minutes too, so that few executions are left to read of a period that
-- does not begin or end with an hour.
create or replace view execution_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, grain, at,
  "new", running, waiting, success, error, canceled, crashed, "unknown", durations
from execution_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, o.grain,
  date_bin(o.width, s.slot, '2000-01-01Z'), s."new", s.running, s.waiting, s.success, s.error, s.canceled, s.crashed,
  s."unknown", coalesce(c.sign * duration_histogram(s.bucket), 0)
from execution_changes c
cross join lateral slots_of_change(c) s
cross join lateral (values
  ('hour', interval '1 hour', c.workflow_id, c.instance_id, c.deployment_id, c.workflow_version),
  ('day', '1 day', c.workflow_id, c.instance_id, c.deployment_id, c.workflow_version),
  ('10min', '10 minutes', '00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid,
    '00000000-0000-0000-0000-000000000000'::uuid, 0),
  ('hour', '1 hour', '00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid,
    '00000000-0000-0000-0000-000000000000'::uuid, 0),
  ('day', '1 day', '00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid,
    '00000000-0000-0000-0000-000000000000'::uuid, 0)
) o (grain, width, workflow_id, instance_id, deployment_id, workflow_version)
where c.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon);
--> statement-breakpoint
-- Counts buckets first and makes histograms of them then: numbers of a hundred digits are dear to add up.
-- Moves at most max_changes changes with about max_nodes nodes into the rollups and returns how many; null while someone
-- else does. Rows may come to zero, and below until their counterpart is folded as well: only sums over the views mean
-- anything.
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
      (user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, grain, at,
       "new", running, waiting, success, error, canceled, crashed, "unknown", durations)
    select s.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, s.recorded_month, o.grain,
      date_bin(o.width, s.slot, '2000-01-01Z'), sum("new"), sum(running), sum(waiting), sum(success), sum(error),
      sum(canceled), sum(crashed), sum("unknown"), sum(durations)
    from (
      select user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, slot,
        sum("new") as "new", sum(running) as running, sum(waiting) as waiting, sum(success) as success,
        sum(error) as error, sum(canceled) as canceled, sum(crashed) as crashed, sum("unknown") as "unknown",
        coalesce(sum(runs * duration_histogram(bucket)), 0) as durations
      from (
        select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version,
          utc_month(t.recorded_at) as recorded_month, s.slot, s.bucket, sum(t.sign) as runs, sum(s."new") as "new",
          sum(s.running) as running, sum(s.waiting) as waiting, sum(s.success) as success, sum(s.error) as error,
          sum(s.canceled) as canceled, sum(s.crashed) as crashed, sum(s."unknown") as "unknown"
        from taken t
        cross join lateral slots_of_change(row(t.*)::execution_changes) s
        group by 1, 2, 3, 4, 5, 6, 7, 8
      ) by_bucket
      group by 1, 2, 3, 4, 5, 6, 7
    ) s
    cross join lateral (values
      ('hour', interval '1 hour', s.workflow_id, s.instance_id, s.deployment_id, s.workflow_version),
      ('day', '1 day', s.workflow_id, s.instance_id, s.deployment_id, s.workflow_version),
      ('10min', '10 minutes', zeros, zeros, zeros, 0),
      ('hour', '1 hour', zeros, zeros, zeros, 0),
      ('day', '1 day', zeros, zeros, zeros, 0)
    ) o (grain, width, workflow_id, instance_id, deployment_id, workflow_version)
    group by 1, 2, 3, 4, 5, 6, 7, 8
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
      (user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, fingerprint, grain, at, runs)
    select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version, utc_month(t.recorded_at),
      e.fingerprint, e.grain, e.at, sum(e.runs)
    from taken t
    cross join lateral errors_of_change(row(t.*)::execution_changes) e
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    having sum(e.runs) <> 0
    on conflict on constraint error_stats_pkey do update set runs = kept.runs + excluded.runs
  ), node_sums as materialized (
    select user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, node, day,
      sum(runs) as runs, sum(executions) as executions, sum(failures) as failures, sum(items) as items,
      sum(total_ms) as total_ms, coalesce(sum(runs * duration_histogram(bucket)), 0) as durations
    from (
      select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version, m.recorded_month,
        n.node, n.day, n.bucket, sum(n.runs) as runs, sum(n.executions) as executions, sum(n.failures) as failures,
        sum(n.items) as items, sum(n.total_ms) as total_ms
      from taken t
      cross join lateral (select utc_month(t.recorded_at) as recorded_month offset 0) m
      cross join lateral nodes_of_change(row(t.*)::execution_changes) n
      where t.node_names is not null
      group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) by_bucket
    group by 1, 2, 3, 4, 5, 6, 7, 8
  ), nodes as (
    insert into node_stats as kept
      (user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, node_type, node_name, at,
       runs, executions, failures, items, total_ms, durations)
    select n.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, n.recorded_month,
      node_type_of(n.node), o.node_name, start_of_day(n.day), sum(n.runs), sum(n.executions), sum(n.failures),
      sum(n.items), sum(n.total_ms), sum(n.durations)
    from node_sums n
    cross join lateral (values
      (n.workflow_id, n.instance_id, n.deployment_id, n.workflow_version, node_name_of(n.node)),
      (zeros, zeros, zeros, 0, '')
    ) o (workflow_id, instance_id, deployment_id, workflow_version, node_name)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
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
--> statement-breakpoint
drop function stats_of_change;
--> statement-breakpoint
-- The runs of pieces of hours, which no rollup has. `place` says which range it was. One range at a time: of a join with
-- all of them the planner expects so many rows that it reads everything at once. What is null chooses nothing.
create function runs_between(of_user uuid, starts timestamptz[], ends timestamptz[], are_together boolean,
  of_workflows uuid[], of_deployment uuid, of_instance uuid)
returns table (place integer, deployment_id uuid, workflow_id uuid, instance_id uuid, workflow_version integer,
  status text, bucket smallint, at timestamptz, runs integer)
language plpgsql stable parallel safe
set plan_cache_mode = force_generic_plan set jit = off set max_parallel_workers_per_gather = 0 as $$
#variable_conflict use_column
declare
  zeros constant uuid := '00000000-0000-0000-0000-000000000000';
begin
  for nth in 1..cardinality(starts) loop
    if are_together then
      return query
        select nth, zeros, zeros, zeros, 0, e.status, duration_bucket(run_ms(e.started_at, e.finished_at)) as bucket,
          date_bin('1 hour', coalesce(e.started_at, e.finished_at, e.recorded_at), '2000-01-01Z') as hour, count(*)::integer
        from executions e
        where e.user_id = of_user
          and coalesce(e.started_at, e.finished_at, e.recorded_at) >= starts[nth]
          and coalesce(e.started_at, e.finished_at, e.recorded_at) < ends[nth]
          and (of_workflows is null or e.workflow_id = any(of_workflows))
          and (of_deployment is null or e.deployment_id = of_deployment)
          and (of_instance is null or e.instance_id = of_instance)
        group by 6, 7, 8;
    else
      return query
        select nth, e.deployment_id, e.workflow_id, e.instance_id, e.workflow_version, e.status,
          duration_bucket(run_ms(e.started_at, e.finished_at)) as bucket,
          date_bin('1 hour', coalesce(e.started_at, e.finished_at, e.recorded_at), '2000-01-01Z') as hour, count(*)::integer
        from executions e
        where e.user_id = of_user
          and coalesce(e.started_at, e.finished_at, e.recorded_at) >= starts[nth]
          and coalesce(e.started_at, e.finished_at, e.recorded_at) < ends[nth]
          and (of_workflows is null or e.workflow_id = any(of_workflows))
          and (of_deployment is null or e.deployment_id = of_deployment)
          and (of_instance is null or e.instance_id = of_instance)
        group by 2, 3, 4, 5, 6, 7, 8;
    end if;
  end loop;
end $$;
--> statement-breakpoint
create function failures_between(of_user uuid, starts timestamptz[], ends timestamptz[])
returns table (place integer, deployment_id uuid, workflow_id uuid, instance_id uuid, workflow_version integer,
  fingerprint text, at timestamptz, runs integer)
language plpgsql stable parallel safe
set plan_cache_mode = force_generic_plan set jit = off set max_parallel_workers_per_gather = 0 as $$
#variable_conflict use_column
begin
  for nth in 1..cardinality(starts) loop
    return query
      select nth, e.deployment_id, e.workflow_id, e.instance_id, e.workflow_version, e.error_fingerprint,
        date_bin('1 hour', coalesce(e.started_at, e.finished_at, e.recorded_at), '2000-01-01Z') as hour, count(*)::integer
      from executions e
      where e.user_id = of_user
        and coalesce(e.started_at, e.finished_at, e.recorded_at) >= starts[nth]
        and coalesce(e.started_at, e.finished_at, e.recorded_at) < ends[nth]
        and e.error_fingerprint is not null and e.status in ('error', 'canceled', 'crashed', 'unknown')
      group by 2, 3, 4, 5, 6, 7;
  end loop;
end $$;
--> statement-breakpoint
-- Of stamps, and of what else the greater one of wins.
create function is_newer(delivered text, kept text) returns boolean language sql immutable parallel safe as $$
  select delivered is not null and (kept is null or delivered collate "C" > kept collate "C")
$$;
--> statement-breakpoint
create function is_trimmed(data jsonb, data_stamp text) returns boolean language sql immutable parallel safe as $$
  select data is null and data_stamp is not null and data_stamp <> '-'
$$;
--> statement-breakpoint
-- Records deliveries and appends to the ledger of the rollups what that changes. `node_lists` are the names that the
-- ledger is to have, as text[]; an item tells by `node_list` which of them, from 1 on, are its nodes'.
--
-- The upsert of executions must not be an update: a racing first delivery may have committed after this statement's
-- snapshot was taken, and only `on conflict` sees such a row. What the key holds is settled there under its lock; what
-- only the row holds is merged against the row itself, whose lock nobody takes without the key's. What either held
-- before comes back in its `previous_…` columns: a select here would read the snapshot. Data that was trimmed stays
-- gone: what it has added to the rollups could not be taken back.
--
-- No row but those of the keys, and of error groups after them, is waited for. Their sort comes before the first row, so
-- every key is locked by then, and all statements lock groups in one order.
create function record_executions(of_instance uuid, items jsonb, node_lists jsonb)
returns table (n8n_execution_id text, id uuid, recorded_at timestamptz, status text, started_at timestamptz,
  finished_at timestamptz, previous_status text, previous_started_at timestamptz, previous_finished_at timestamptz,
  user_id uuid, deployment_id uuid, workflow_version integer)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  with matched as (
    select item.*, d.user_id, d.workflow_id, d.version, d.id as deployment_id
    from jsonb_to_recordset(items) as item (
      id uuid, recorded_at timestamptz, n8n_execution_id text, n8n_workflow_id text, status text, stamp text,
      mode text, started_at timestamptz, finished_at timestamptz,
      error_message text, error_node text, error_class text, error_http_status integer, error_fingerprint text,
      error_pattern text, error_stamp text, data text, data_stamp text, node_list integer, node_counts text)
    -- As if none were missing: expecting but one to be found, the planner would loop over all of them for each.
    left join deployments d on d.instance_id = of_instance and d.n8n_workflow_id = item.n8n_workflow_id
  ), keyed as (
    insert into execution_keys as k
      (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp, started_at, finished_at)
    select of_instance, n8n_execution_id, id, recorded_at, user_id, status, stamp, started_at, finished_at
    from matched
    where user_id is not null
    order by n8n_execution_id collate "C"
    on conflict on constraint execution_keys_pkey do update set
      previous_status = k.status,
      previous_started_at = k.started_at,
      previous_finished_at = k.finished_at,
      status = case when excluded.stamp collate "C" > k.stamp collate "C" then excluded.status else k.status end,
      stamp = greatest(excluded.stamp collate "C", k.stamp collate "C"),
      started_at = least(excluded.started_at, k.started_at),
      finished_at = greatest(excluded.finished_at, k.finished_at)
    returning *
  ), written as (
    insert into executions as e
      (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id, n8n_execution_id,
       status, mode, started_at, finished_at, error_message, error_node, error_http_status, error_fingerprint,
       error_stamp, data, data_stamp)
    select k.id, k.recorded_at, m.user_id, k.instance_id, m.workflow_id, m.version, m.deployment_id,
      k.n8n_execution_id, k.status, m.mode, k.started_at, k.finished_at,
      m.error_message, m.error_node, m.error_http_status, m.error_fingerprint, m.error_stamp, m.data::jsonb,
      m.data_stamp
    from keyed k
    join matched m on m.n8n_execution_id = k.n8n_execution_id
    on conflict on constraint executions_pkey do update set
      status = excluded.status,
      mode = greatest(excluded.mode collate "C", e.mode collate "C"),
      started_at = excluded.started_at,
      finished_at = excluded.finished_at,
      error_message = case when is_newer(excluded.error_stamp, e.error_stamp)
        then excluded.error_message else e.error_message end,
      error_node = case when is_newer(excluded.error_stamp, e.error_stamp)
        then excluded.error_node else e.error_node end,
      error_http_status = case when is_newer(excluded.error_stamp, e.error_stamp)
        then excluded.error_http_status else e.error_http_status end,
      error_fingerprint = case when is_newer(excluded.error_stamp, e.error_stamp)
        then excluded.error_fingerprint else e.error_fingerprint end,
      error_stamp = greatest(excluded.error_stamp collate "C", e.error_stamp collate "C"),
      data = case when is_newer(excluded.data_stamp, e.data_stamp) and not is_trimmed(e.data, e.data_stamp)
        then excluded.data else e.data end,
      data_stamp = greatest(excluded.data_stamp collate "C", e.data_stamp collate "C"),
      previous_error_fingerprint = e.error_fingerprint,
      previous_data = case when is_newer(excluded.data_stamp, e.data_stamp) and not is_trimmed(e.data, e.data_stamp)
        then e.data end,
      previous_data_stamp = e.data_stamp,
      updated_at = now()
    where (e.status, e.started_at, e.finished_at) is distinct from
        (excluded.status, excluded.started_at, excluded.finished_at)
      or is_newer(excluded.mode, e.mode) or is_newer(excluded.error_stamp, e.error_stamp)
      or is_newer(excluded.data_stamp, e.data_stamp)
    returning *
  ), listed as materialized (
    select nth, list::text[] as names from jsonb_array_elements_text(node_lists) with ordinality l (list, nth)
  ), changes as (
    insert into execution_changes
      (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign, status, started_at,
       finished_at, error_fingerprint, node_names, node_counts)
    select w.user_id, w.deployment_id, w.workflow_id, w.instance_id, w.workflow_version, w.recorded_at, 1, w.status,
      w.started_at, w.finished_at, w.error_fingerprint,
      case when w.data is not null and w.data_stamp is distinct from w.previous_data_stamp then l.names end,
      case when w.data is not null and w.data_stamp is distinct from w.previous_data_stamp then m.node_counts::integer[] end
    from written w
    join matched m on m.n8n_execution_id = w.n8n_execution_id
    left join listed l on l.nth = m.node_list
    union all
    select w.user_id, w.deployment_id, w.workflow_id, w.instance_id, w.workflow_version, w.recorded_at, -1,
      k.previous_status, k.previous_started_at, k.previous_finished_at, w.previous_error_fingerprint,
      n.names, n.counts
    from written w
    join keyed k on k.id = w.id
    cross join lateral run_nodes(w.previous_data) n
    where k.previous_status is not null
  ), groups as (
    insert into error_groups (user_id, fingerprint, recorded_month, node, error_class, http_status, message)
    select distinct on (w.user_id, w.error_fingerprint, recorded_month)
      w.user_id, w.error_fingerprint, utc_month(w.recorded_at) as recorded_month, m.error_node, m.error_class,
      m.error_http_status, m.error_pattern
    from written w
    join matched m on m.n8n_execution_id = w.n8n_execution_id and m.error_fingerprint = w.error_fingerprint
    order by w.user_id, w.error_fingerprint, recorded_month
    on conflict on constraint error_groups_pkey do nothing
  )
  select k.n8n_execution_id, k.id, k.recorded_at, k.status, k.started_at, k.finished_at,
    k.previous_status, k.previous_started_at, k.previous_finished_at, m.user_id, m.deployment_id, m.version
  from keyed k
  join matched m on m.n8n_execution_id = k.n8n_execution_id;
end $$;
