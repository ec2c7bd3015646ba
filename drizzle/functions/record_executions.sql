-- Records deliveries, at most one item per n8n ID. A single statement, so that it is atomic over HTTP. Safe to repeat.
-- Returns the runs that match a deployment.
create or replace function record_executions(of_instance uuid, items jsonb, node_lists jsonb)
returns table (n8n_execution_id text, id uuid, recorded_at timestamptz, status text, started_at timestamptz,
  finished_at timestamptz, previous_status text, previous_started_at timestamptz, previous_finished_at timestamptz,
  user_id uuid, deployment_id uuid, workflow_version integer, is_retry_pending boolean, has_new_epoch boolean)
language plpgsql
-- Table statistics can be outdated. Each lookup in `execution_keys` has exactly one suitable index, and a sequential scan
-- is never cheaper.
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  placed record;
  is_new_epoch boolean := false;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(of_instance::text, 0));
  -- The epoch of each item: the epoch of the best-fitting run, else the current one. Starts a new epoch if the current one
  -- has another run with the ID of an item.
  loop
    select array_agg(case when k.is_known then (k.best & 4294967295)::integer else i.epoch end order by item.nth) as epochs,
      bool_or(o.is_other) as is_other, min(i.epoch) as epoch, min(item.recorded_at) filter (where o.is_other) as recorded_at
    into placed
    from rows from (jsonb_to_recordset(items) as (
      n8n_execution_id text, n8n_workflow_id text, status text, started_at timestamptz, finished_at timestamptz,
      error_at timestamptz, recorded_at timestamptz, is_polled boolean, error_evidence text)) with ordinality item (
      n8n_execution_id, n8n_workflow_id, status, started_at, finished_at, error_at, recorded_at, is_polled,
      error_evidence, nth)
    join instances i on i.id = of_instance
    cross join lateral (
      select b.best, b.best >= 1::bigint << 32 as is_known, b.has_current
      from (
        select bool_or(f.epoch = i.epoch) as has_current, case when bool_or(f.epoch = i.epoch)
          then max(f.fit << 32 | f.epoch) else max(f.fit << 32 | f.epoch) filter (where f.fit <> 1) end as best
        from (
          -- The common case, a repeated delivery, needs no call.
          select key.epoch::bigint as epoch,
            case when key.started_at = item.started_at and key.n8n_workflow_id = item.n8n_workflow_id then 5::bigint
              else run_fit(key, i.epoch, i.epoch_started_at, item.n8n_workflow_id, item.status, item.started_at,
                item.finished_at, item.error_at, item.recorded_at, item.is_polled, item.error_evidence) end as fit
          from execution_keys key
          where key.instance_id = of_instance and key.n8n_execution_id = item.n8n_execution_id
          offset 0
        ) f
      ) b
    ) k
    cross join lateral (
      select not k.is_known and k.has_current and exists (
        select from deployments d where d.instance_id = of_instance and d.n8n_workflow_id = item.n8n_workflow_id
      ) as is_other
      offset 0
    ) o;
    exit when placed.is_other is not true;
    update instances set epoch = epoch + 1, epoch_started_at = placed.recorded_at, poll_cursor = null,
      polled_through = null
    where id = of_instance and epoch = placed.epoch;
    -- A concurrent session that loses this update finds the new epoch in the next iteration.
    is_new_epoch := is_new_epoch or found;
  end loop;
  return query
  with matched as (
    select item.*, d.user_id, d.workflow_id, d.version, d.id as deployment_id,
      item.retry_of is not null or coalesce((
        select bool_or(r.epoch = item.epoch) from execution_keys r
        where r.retry_of = item.n8n_execution_id and r.instance_id::text = of_instance::text), false) as is_in_chain
    from rows from (jsonb_to_recordset(items) as (
      id uuid, recorded_at timestamptz, n8n_execution_id text, n8n_workflow_id text, status text, stamp text,
      mode text, started_at timestamptz, finished_at timestamptz, is_polled boolean, n8n_version_id text, retry_of text,
      error_message text, error_node text, error_class text, error_http_status integer, error_fingerprint text,
      error_pattern text, error_stamp text, error_evidence text, data text, data_stamp text, usage text,
      usage_stamp text, waited boolean, active_ms bigint, node_list integer, node_counts text),
      unnest(placed.epochs)) item (
      id, recorded_at, n8n_execution_id, n8n_workflow_id, status, stamp, mode, started_at, finished_at, is_polled,
      n8n_version_id, retry_of, error_message, error_node, error_class, error_http_status, error_fingerprint,
      error_pattern, error_stamp, error_evidence, data, data_stamp, usage, usage_stamp, waited, active_ms, node_list,
      node_counts, epoch)
    -- A left join: with an inner join, the planner expects a single match and chooses a nested loop over all deployments.
    left join deployments d on d.instance_id = of_instance and d.n8n_workflow_id = item.n8n_workflow_id
  ), keyed as (
    insert into execution_keys as k
      (instance_id, n8n_execution_id, epoch, id, recorded_at, user_id, n8n_workflow_id, status, stamp, started_at,
       is_start_polled, finished_at, error_evidence, n8n_version_id, retry_of, is_retry_pending)
    select of_instance, n8n_execution_id, epoch, id, recorded_at, user_id, n8n_workflow_id, status, stamp, started_at,
      is_polled and started_at is not null, finished_at, error_evidence, n8n_version_id, retry_of, is_in_chain
    from matched
    where user_id is not null
    order by n8n_execution_id collate "C"
    on conflict on constraint execution_keys_pkey do update set
      previous_status = k.status,
      previous_started_at = k.started_at,
      previous_finished_at = k.finished_at,
      status = case when excluded.stamp collate "C" > k.stamp collate "C" then excluded.status else k.status end,
      stamp = greatest(excluded.stamp collate "C", k.stamp collate "C"),
      started_at = case when excluded.is_start_polled = k.is_start_polled then least(excluded.started_at, k.started_at)
        when excluded.is_start_polled then excluded.started_at else k.started_at end,
      is_start_polled = excluded.is_start_polled or k.is_start_polled,
      finished_at = greatest(excluded.finished_at, k.finished_at),
      error_evidence = greatest(excluded.error_evidence collate "C", k.error_evidence collate "C"),
      n8n_version_id = greatest(excluded.n8n_version_id collate "C", k.n8n_version_id collate "C"),
      retry_of = greatest(excluded.retry_of collate "C", k.retry_of collate "C"),
      is_retry_pending = k.is_retry_pending or excluded.is_retry_pending or k.retry_of is not null
    returning *
  ), versioned as (
    select k.id, coalesce(reported.version, timed.version, m.version) as version,
      case when reported.version is null then 'time' else 'n8n' end as source
    from keyed k
    join matched m on m.n8n_execution_id = k.n8n_execution_id
    left join lateral (
      select h.version from deployment_versions h
      where h.deployment_id = m.deployment_id and h.n8n_version_id = k.n8n_version_id
      order by h.sequence desc limit 1
    ) reported on true
    left join lateral (
      select h.version from deployment_versions h
      where h.deployment_id = m.deployment_id and reported.version is null
        and (h.created_at <= coalesce(k.started_at, k.finished_at, k.recorded_at) or h.sequence = 1)
      order by h.sequence desc limit 1
    ) timed on true
  ), written as (
    insert into executions as e
      (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, workflow_version_source,
       n8n_workflow_version_id, deployment_id, n8n_execution_id, status, mode, kind, retry_of, started_at, finished_at,
       waited, active_ms, error_message, error_node, error_http_status, error_fingerprint, error_stamp, data, data_stamp,
       usage, usage_stamp)
    select k.id, k.recorded_at, m.user_id, k.instance_id, m.workflow_id, v.version, v.source,
      k.n8n_version_id, m.deployment_id, k.n8n_execution_id, k.status, m.mode, run_kind(m.mode), k.retry_of, k.started_at,
      k.finished_at, m.waited, m.active_ms, m.error_message, m.error_node, m.error_http_status, m.error_fingerprint,
      m.error_stamp, m.data::jsonb, m.data_stamp, m.usage::jsonb, m.usage_stamp
    from keyed k
    join matched m on m.n8n_execution_id = k.n8n_execution_id
    join versioned v on v.id = k.id
    on conflict on constraint executions_pkey do update set
      status = excluded.status,
      mode = greatest(excluded.mode collate "C", e.mode collate "C"),
      -- For a retry chain, `settle_retries` sets the kind.
      kind = case when excluded.retry_of is null and e.kind <> 'superseded'
        then run_kind(greatest(excluded.mode collate "C", e.mode collate "C")) else e.kind end,
      retry_of = excluded.retry_of,
      workflow_version = case when e.deployment_id = excluded.deployment_id
        then excluded.workflow_version else e.workflow_version end,
      workflow_version_source = case when e.deployment_id = excluded.deployment_id
        then excluded.workflow_version_source else e.workflow_version_source end,
      n8n_workflow_version_id = excluded.n8n_workflow_version_id,
      started_at = excluded.started_at,
      finished_at = excluded.finished_at,
      waited = e.waited or excluded.waited,
      active_ms = case when is_newer(excluded.data_stamp, e.data_stamp) then excluded.active_ms else e.active_ms end,
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
      usage = case when is_newer(excluded.usage_stamp, e.usage_stamp) then excluded.usage else e.usage end,
      usage_stamp = greatest(excluded.usage_stamp collate "C", e.usage_stamp collate "C"),
      previous_workflow_version = e.workflow_version,
      previous_kind = e.kind,
      previous_duration_ms = counted_ms(e.started_at, e.finished_at, e.waited, e.active_ms),
      previous_error_fingerprint = e.error_fingerprint,
      previous_data = case when is_newer(excluded.data_stamp, e.data_stamp) and not is_trimmed(e.data, e.data_stamp)
        then e.data end,
      previous_data_stamp = e.data_stamp,
      previous_usage = case when is_newer(excluded.usage_stamp, e.usage_stamp) then e.usage end,
      previous_usage_stamp = e.usage_stamp,
      updated_at = now()
    where (e.status, e.started_at, e.finished_at, e.retry_of) is distinct from
        (excluded.status, excluded.started_at, excluded.finished_at, excluded.retry_of)
      or (e.n8n_workflow_version_id, e.workflow_version, e.workflow_version_source) is distinct from
        (excluded.n8n_workflow_version_id, excluded.workflow_version, excluded.workflow_version_source)
        and e.deployment_id = excluded.deployment_id
      or is_newer(excluded.mode, e.mode) or is_newer(excluded.error_stamp, e.error_stamp)
      or is_newer(excluded.data_stamp, e.data_stamp) or is_newer(excluded.usage_stamp, e.usage_stamp)
      or excluded.waited and not e.waited
    returning *
  ), changed as (
    select w.*, m.node_list, m.node_counts, k.previous_status, k.previous_started_at, k.previous_finished_at,
      w.data_stamp is distinct from w.previous_data_stamp as is_replaced,
      k.previous_status is not null
        and (w.workflow_version, w.kind) is distinct from (w.previous_workflow_version, w.previous_kind) as is_moved
    from written w
    join keyed k on k.id = w.id
    join matched m on m.n8n_execution_id = w.n8n_execution_id
  ), listed as materialized (
    select nth, list::text[] as names from jsonb_array_elements_text(node_lists) with ordinality l (list, nth)
  ), changes as (
    insert into execution_changes
      (user_id, deployment_id, workflow_id, instance_id, workflow_version, kind, recorded_at, sign, status, started_at,
       finished_at, duration_ms, error_fingerprint, node_names, node_counts, usage)
    select c.user_id, c.deployment_id, c.workflow_id, c.instance_id, c.workflow_version, c.kind, c.recorded_at, 1, c.status,
      c.started_at, c.finished_at, counted_ms(c.started_at, c.finished_at, c.waited, c.active_ms), c.error_fingerprint,
      case when c.is_replaced then case when c.data is not null then l.names end else n.names end,
      case when c.is_replaced then case when c.data is not null then c.node_counts::integer[] end else n.counts end,
      c.usage
    from changed c
    left join listed l on l.nth = c.node_list
    left join lateral (select * from run_nodes(c.data) where c.is_moved and not c.is_replaced offset 0) n on true
    union all
    select c.user_id, c.deployment_id, c.workflow_id, c.instance_id, c.previous_workflow_version, c.previous_kind,
      c.recorded_at, -1, c.previous_status, c.previous_started_at, c.previous_finished_at, c.previous_duration_ms,
      c.previous_error_fingerprint, n.names, n.counts,
      case when c.usage_stamp is distinct from c.previous_usage_stamp then c.previous_usage else c.usage end
    from changed c
    cross join lateral run_nodes(case when c.is_replaced then c.previous_data when c.is_moved then c.data end) n
    where c.previous_status is not null
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
    k.previous_status, k.previous_started_at, k.previous_finished_at, m.user_id, m.deployment_id, v.version,
    k.is_retry_pending, is_new_epoch
  from keyed k
  join matched m on m.n8n_execution_id = k.n8n_execution_id
  join versioned v on v.id = k.id;
end $$;
