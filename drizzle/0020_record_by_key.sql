DROP INDEX "execution_keys_retry_of_idx";--> statement-breakpoint
ALTER TABLE "execution_keys" ADD COLUMN "n8n_workflow_id" text;--> statement-breakpoint
CREATE INDEX "execution_keys_retry_of_idx" ON "execution_keys" USING btree ("retry_of",("instance_id"::text)) WHERE "execution_keys"."retry_of" is not null;
--> statement-breakpoint
update execution_keys k set n8n_workflow_id = d.n8n_workflow_id
from executions e join deployments d on d.id = e.deployment_id
where e.id = k.id and e.recorded_at = k.recorded_at and d.n8n_workflow_id is not null;
--> statement-breakpoint
-- Looks up keys by index only, and the workflow of a run in its key.
create or replace function record_executions(of_instance uuid, items jsonb, node_lists jsonb)
returns table (n8n_execution_id text, id uuid, recorded_at timestamptz, status text, started_at timestamptz,
  finished_at timestamptz, previous_status text, previous_started_at timestamptz, previous_finished_at timestamptz,
  user_id uuid, deployment_id uuid, workflow_version integer, is_retry_pending boolean, has_new_epoch boolean)
language plpgsql
-- Statistics of a table that has grown since say little: each lookup in `execution_keys` has one usable index, and no scan
-- of the table is cheap enough to replace it.
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  placed record;
  is_new_epoch boolean := false;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(of_instance::text, 0));
  -- The epoch that each item belongs to. n8n's ids are unique within an epoch only, so a run is told by its start: by
  -- n8n's own records to the second, else within five minutes, which clocks may differ by. Of a run that has not ended
  -- another start may be told, as n8n 1.x does after a wait. Without a start it is told by its end, which is about when its
  -- error was made; of an ended run n8n names no other workflow, and what succeeded does not fail later. When the current
  -- epoch has another, ended run with the id of an item, n8n has begun a new one. `toRuns` does the same within a batch.
  loop
    select array_agg(case when k.fit > 0 then k.epoch else i.epoch end order by item.nth) as epochs,
      bool_or(case when k.fit = 0 and k.epoch = i.epoch then exists (
        select from deployments d where d.instance_id = of_instance and d.n8n_workflow_id = item.n8n_workflow_id
      ) end) as is_other, min(i.epoch) as epoch, min(item.recorded_at) as recorded_at
    into placed
    from rows from (jsonb_to_recordset(items) as (
      n8n_execution_id text, n8n_workflow_id text, status text, started_at timestamptz, finished_at timestamptz,
      error_at timestamptz, recorded_at timestamptz, is_polled boolean)) with ordinality item (
      n8n_execution_id, n8n_workflow_id, status, started_at, finished_at, error_at, recorded_at, is_polled, nth)
    join instances i on i.id = of_instance
    left join lateral (
      select key.epoch, case
          when key.status not in ('new', 'running', 'waiting') and key.n8n_workflow_id <> item.n8n_workflow_id then 0
          when key.started_at between item.started_at - t.tolerance and item.started_at + t.tolerance
            or key.finished_at between item.finished_at - t.tolerance and item.finished_at + t.tolerance
            or t.is_bare_failure and t.event_at between item.finished_at - t.skew and item.finished_at + t.skew then 3
          when item.status in ('success', 'error', 'canceled', 'crashed') and t.is_bare_failure
            and case when t.failed_at is not null then item.finished_at is not null
              else item.status = 'success' and item.finished_at < key.recorded_at - t.skew end then 0
          when item.started_at is null then case
            when item.error_at between t.ended_by - t.skew and t.ended_by + t.skew then 3
            when item.error_at > t.ended_by
              or t.ended_by is not null and item.error_at < coalesce(key.finished_at, t.failed_at)
              or key.status = 'success' and item.status in ('error', 'canceled', 'crashed') and item.error_at is null
                and t.ended_by < item.recorded_at - t.skew then 0
            when key.epoch = i.epoch then 2
            when item.recorded_at < i.epoch_started_at
              or key.status = item.status and bool_or(key.epoch = i.epoch) over () then 1
            else 0 end
          when key.epoch <> i.epoch then 0
          when key.started_at is null then
            case when key.status in ('new', 'running', 'waiting')
              or item.started_at <= coalesce(t.failed_at + t.skew, key.recorded_at + interval '1 hour') then 2 else 0 end
          when case when key.started_at < item.started_at then key.status else item.status end
            in ('new', 'running', 'waiting') then 2
          else 0 end as fit
      from execution_keys key
      cross join lateral (
        -- A key of before whose end was polled has a polled start too.
        select case when item.is_polled and (key.is_start_polled or key.stamp collate "C" >= '40')
            then interval '1 second' else '5 minutes' end as tolerance,
          interval '5 minutes' as skew,
          key.started_at is null and key.finished_at is null and key.status in ('error', 'canceled', 'crashed')
            as is_bare_failure,
          -- When what its status came from was so; when that was before it was received, somebody has told the time.
          to_timestamp(nullif(substr(key.stamp, 4, 15), '')::bigint / 1000.0) as event_at
      ) s
      cross join lateral (
        select s.*,
          case when key.status in ('success', 'error', 'canceled', 'crashed')
            then coalesce(key.finished_at, s.event_at) end as ended_by,
          -- When n8n notices a crash says nothing of when it was.
          case when s.is_bare_failure and key.status = 'error' and s.event_at < key.recorded_at
            then s.event_at end as failed_at
      ) t
      where key.instance_id = of_instance and key.n8n_execution_id = item.n8n_execution_id
      order by fit desc, key.epoch desc
      limit 1
    ) k on true;
    exit when placed.is_other is not true;
    -- Whoever comes second finds the epoch in the next round.
    update instances set epoch = epoch + 1, epoch_started_at = placed.recorded_at, poll_cursor = null,
      polled_through = null
    where id = of_instance and epoch = placed.epoch;
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
      error_pattern text, error_stamp text, data text, data_stamp text, waited boolean, active_ms bigint,
      node_list integer, node_counts text), unnest(placed.epochs)) item (
      id, recorded_at, n8n_execution_id, n8n_workflow_id, status, stamp, mode, started_at, finished_at, is_polled,
      n8n_version_id, retry_of, error_message, error_node, error_class, error_http_status, error_fingerprint,
      error_pattern, error_stamp, data, data_stamp, waited, active_ms, node_list, node_counts, epoch)
    -- As if none were missing: expecting but one to be found, the planner would loop over all of them for each.
    left join deployments d on d.instance_id = of_instance and d.n8n_workflow_id = item.n8n_workflow_id
  ), keyed as (
    insert into execution_keys as k
      (instance_id, n8n_execution_id, epoch, id, recorded_at, user_id, n8n_workflow_id, status, stamp, started_at,
       is_start_polled, finished_at, n8n_version_id, retry_of, is_retry_pending)
    select of_instance, n8n_execution_id, epoch, id, recorded_at, user_id, n8n_workflow_id, status, stamp, started_at,
      is_polled and started_at is not null, finished_at, n8n_version_id, retry_of, is_in_chain
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
      n8n_version_id = greatest(excluded.n8n_version_id collate "C", k.n8n_version_id collate "C"),
      retry_of = greatest(excluded.retry_of collate "C", k.retry_of collate "C"),
      is_retry_pending = k.is_retry_pending or excluded.is_retry_pending or k.retry_of is not null
    returning *
  ), versioned as (
    select k.id, coalesce(told.version, timed.version, m.version) as version,
      case when told.version is null then 'time' else 'n8n' end as source
    from keyed k
    join matched m on m.n8n_execution_id = k.n8n_execution_id
    left join lateral (
      select h.version from deployment_versions h
      where h.deployment_id = m.deployment_id and h.n8n_version_id = k.n8n_version_id
      order by h.sequence desc limit 1
    ) told on true
    left join lateral (
      select h.version from deployment_versions h
      where h.deployment_id = m.deployment_id and told.version is null
        and (h.created_at <= coalesce(k.started_at, k.finished_at, k.recorded_at) or h.sequence = 1)
      order by h.sequence desc limit 1
    ) timed on true
  ), written as (
    insert into executions as e
      (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, workflow_version_source,
       n8n_workflow_version_id, deployment_id, n8n_execution_id, status, mode, kind, retry_of, started_at, finished_at,
       waited, active_ms, error_message, error_node, error_http_status, error_fingerprint, error_stamp, data, data_stamp)
    select k.id, k.recorded_at, m.user_id, k.instance_id, m.workflow_id, v.version, v.source,
      k.n8n_version_id, m.deployment_id, k.n8n_execution_id, k.status, m.mode, run_kind(m.mode), k.retry_of, k.started_at,
      k.finished_at, m.waited, m.active_ms, m.error_message, m.error_node, m.error_http_status, m.error_fingerprint,
      m.error_stamp, m.data::jsonb, m.data_stamp
    from keyed k
    join matched m on m.n8n_execution_id = k.n8n_execution_id
    join versioned v on v.id = k.id
    on conflict on constraint executions_pkey do update set
      status = excluded.status,
      mode = greatest(excluded.mode collate "C", e.mode collate "C"),
      -- Of a chain of retries `settle_retries` tells.
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
      previous_workflow_version = e.workflow_version,
      previous_kind = e.kind,
      previous_duration_ms = counted_ms(e.started_at, e.finished_at, e.waited, e.active_ms),
      previous_error_fingerprint = e.error_fingerprint,
      previous_data = case when is_newer(excluded.data_stamp, e.data_stamp) and not is_trimmed(e.data, e.data_stamp)
        then e.data end,
      previous_data_stamp = e.data_stamp,
      updated_at = now()
    where (e.status, e.started_at, e.finished_at, e.retry_of) is distinct from
        (excluded.status, excluded.started_at, excluded.finished_at, excluded.retry_of)
      or (e.n8n_workflow_version_id, e.workflow_version, e.workflow_version_source) is distinct from
        (excluded.n8n_workflow_version_id, excluded.workflow_version, excluded.workflow_version_source)
        and e.deployment_id = excluded.deployment_id
      or is_newer(excluded.mode, e.mode) or is_newer(excluded.error_stamp, e.error_stamp)
      or is_newer(excluded.data_stamp, e.data_stamp) or excluded.waited and not e.waited
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
       finished_at, duration_ms, error_fingerprint, node_names, node_counts)
    select c.user_id, c.deployment_id, c.workflow_id, c.instance_id, c.workflow_version, c.kind, c.recorded_at, 1, c.status,
      c.started_at, c.finished_at, counted_ms(c.started_at, c.finished_at, c.waited, c.active_ms), c.error_fingerprint,
      case when c.is_replaced then case when c.data is not null then l.names end else n.names end,
      case when c.is_replaced then case when c.data is not null then c.node_counts::integer[] end else n.counts end
    from changed c
    left join listed l on l.nth = c.node_list
    left join lateral (select * from run_nodes(c.data) where c.is_moved and not c.is_replaced offset 0) n on true
    union all
    select c.user_id, c.deployment_id, c.workflow_id, c.instance_id, c.previous_workflow_version, c.previous_kind,
      c.recorded_at, -1, c.previous_status, c.previous_started_at, c.previous_finished_at, c.previous_duration_ms,
      c.previous_error_fingerprint, n.names, n.counts
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
--> statement-breakpoint
-- Counts each chain of retries once. Of its runs that succeeded, failed or crashed the latest decides the outcome and
-- counts as the kind of the original; the others are superseded. Runs still open, cancelled or lost decide nothing. It
-- depends on what is recorded only, not on its order: the lock lets it see every delivery that has begun.
create or replace function settle_retries(of_instance uuid) returns integer language plpgsql
set enable_seqscan = off as $$
declare
  chain record;
begin
  perform pg_advisory_xact_lock(hashtextextended(of_instance::text, 0));
  with recursive above as (
    select epoch, n8n_execution_id as id from execution_keys where instance_id = of_instance and is_retry_pending
    union
    select a.epoch, k.retry_of from above a
    join execution_keys k on k.instance_id = of_instance and k.n8n_execution_id = a.id and k.epoch = a.epoch
    where k.retry_of is not null
  ), members as (
    select a.epoch, a.id as root, a.id from above a
    where not exists (
      select from execution_keys k
      where k.instance_id = of_instance and k.n8n_execution_id = a.id and k.epoch = a.epoch and k.retry_of is not null)
    union
    select m.epoch, m.root, k.n8n_execution_id from members m
    join execution_keys k on k.retry_of = m.id and k.instance_id::text = of_instance::text and k.epoch = m.epoch
  ), runs as (
    select m.epoch, m.root, m.id as n8n_id, e.id, e.recorded_at, e.mode, e.retry_of,
      e.status in ('success', 'error', 'crashed') as is_decisive,
      row_number() over (partition by m.epoch, m.root
        order by coalesce(e.started_at, e.finished_at, e.recorded_at), length(m.id), m.id collate "C") as place
    from members m
    join execution_keys k on k.instance_id = of_instance and k.n8n_execution_id = m.id and k.epoch = m.epoch
    join executions e on e.id = k.id and e.recorded_at = k.recorded_at
  ), judged as (
    select r.*, max(r.place) filter (where r.is_decisive) over chain as last_place,
      max(run_kind(r.mode)) filter (where r.n8n_id = r.root) over chain as root_kind
    from runs r window chain as (partition by r.epoch, r.root)
  )
  select array_agg(j.id) as ids, array_agg(j.recorded_at) as times,
    array_agg(case when j.is_decisive and j.place < j.last_place then 'superseded'
      else coalesce(j.root_kind, 'production') end) as kinds,
    array_agg((select p.id from runs p where p.epoch = j.epoch and p.root = j.root and p.n8n_id = j.retry_of)) as originals,
    array_agg((select r.id from runs r where r.epoch = j.epoch and r.root = j.root and r.retry_of = j.n8n_id
      order by r.place desc limit 1)) as retries
  into chain from judged j;
  perform move_executions(chain.ids, chain.times, null, null, chain.kinds);
  update executions e set retry_of_id = c.original, retried_by_id = c.retry
  from unnest(chain.ids, chain.times, chain.originals, chain.retries) c (id, recorded_at, original, retry)
  where e.id = c.id and e.recorded_at = c.recorded_at
    and (e.retry_of_id, e.retried_by_id) is distinct from (c.original, c.retry);
  update execution_keys set is_retry_pending = false where instance_id = of_instance and is_retry_pending;
  return coalesce(cardinality(chain.ids), 0);
end $$;
