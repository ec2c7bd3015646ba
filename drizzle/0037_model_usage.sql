CREATE TABLE "model_prices" (
	"user_id" uuid NOT NULL,
	"model" text NOT NULL,
	"input" double precision NOT NULL,
	"output" double precision NOT NULL,
	"cached" double precision,
	"written" double precision,
	CONSTRAINT "model_prices_pkey" PRIMARY KEY("user_id","model")
);
--> statement-breakpoint
CREATE TABLE "usage_stats" (
	"user_id" uuid NOT NULL,
	"deployment_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"recorded_month" date NOT NULL,
	"workflow_version" integer NOT NULL,
	"grain" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"model" text NOT NULL,
	"executions" integer DEFAULT 0 NOT NULL,
	"calls" bigint DEFAULT 0 NOT NULL,
	"input" bigint DEFAULT 0 NOT NULL,
	"cached" bigint DEFAULT 0 NOT NULL,
	"written" bigint DEFAULT 0 NOT NULL,
	"output" bigint DEFAULT 0 NOT NULL,
	"estimated" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "usage_stats_pkey" PRIMARY KEY("user_id","grain","at","workflow_id","deployment_id","workflow_version","model","recorded_month")
);
--> statement-breakpoint
ALTER TABLE "execution_changes" ADD COLUMN "usage" jsonb;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "usage" jsonb;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "usage_stamp" text;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_usage" jsonb;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_usage_stamp" text;--> statement-breakpoint
ALTER TABLE "model_prices" ADD CONSTRAINT "model_prices_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "usage_stats_month_idx" ON "usage_stats" USING brin ("recorded_month");--> statement-breakpoint
-- locks: reads each partition once and indexes no row, because the column is new
CREATE INDEX "executions_usage_pending_idx" ON "executions" USING btree ("instance_id","recorded_at") WHERE "executions"."usage_stamp" = '-';
--> statement-breakpoint
set local check_function_bodies = off;
--> statement-breakpoint
-- Public list prices on 1 October 2025 in US dollars per million tokens: standard tier, shortest context. `cached` and
-- `written` are tokens read from and written to the provider's cache; null: the price of the input. A model is an exact name,
-- or the beginning of one and `*`. Users set their own prices in `model_prices`.
create or replace function default_model_prices() returns table (
  model text, input double precision, output double precision, cached double precision, written double precision)
language sql immutable parallel safe as $$
  values
    ('gpt-4o', 2.5, 10, 1.25, null),
    ('gpt-4o-20*', 2.5, 10, 1.25, null),
    ('gpt-4o-mini', 0.15, 0.6, 0.075, null),
    ('gpt-4o-mini-20*', 0.15, 0.6, 0.075, null),
    ('gpt-4.1', 2, 8, 0.5, null),
    ('gpt-4.1-20*', 2, 8, 0.5, null),
    ('gpt-4.1-mini', 0.4, 1.6, 0.1, null),
    ('gpt-4.1-mini-20*', 0.4, 1.6, 0.1, null),
    ('gpt-4.1-nano', 0.1, 0.4, 0.025, null),
    ('gpt-4.1-nano-20*', 0.1, 0.4, 0.025, null),
    ('gpt-5', 1.25, 10, 0.125, null),
    ('gpt-5-20*', 1.25, 10, 0.125, null),
    ('gpt-5-mini', 0.25, 2, 0.025, null),
    ('gpt-5-mini-20*', 0.25, 2, 0.025, null),
    ('gpt-5-nano', 0.05, 0.4, 0.005, null),
    ('gpt-5-nano-20*', 0.05, 0.4, 0.005, null),
    ('o1', 15, 60, 7.5, null),
    ('o1-20*', 15, 60, 7.5, null),
    ('o3', 2, 8, 0.5, null),
    ('o3-20*', 2, 8, 0.5, null),
    ('o3-mini', 1.1, 4.4, 0.55, null),
    ('o3-mini-20*', 1.1, 4.4, 0.55, null),
    ('o4-mini', 1.1, 4.4, 0.275, null),
    ('o4-mini-20*', 1.1, 4.4, 0.275, null),
    ('gpt-4-turbo', 10, 30, null, null),
    ('gpt-4-turbo-20*', 10, 30, null, null),
    ('gpt-4o-2024-05-13', 5, 15, null, null),
    ('gpt-4', 30, 60, null, null),
    ('gpt-4-0613', 30, 60, null, null),
    ('gpt-3.5-turbo', 0.5, 1.5, null, null),
    ('gpt-3.5-turbo-0125', 0.5, 1.5, null, null),
    ('claude-3-haiku', 0.25, 1.25, 0.03, 0.3),
    ('claude-3-haiku-20*', 0.25, 1.25, 0.03, 0.3),
    ('claude-3-haiku-latest', 0.25, 1.25, 0.03, 0.3),
    ('claude-3-5-haiku', 0.8, 4, 0.08, 1),
    ('claude-3-5-haiku-20*', 0.8, 4, 0.08, 1),
    ('claude-3-5-haiku-latest', 0.8, 4, 0.08, 1),
    ('claude-3-5-sonnet', 3, 15, 0.3, 3.75),
    ('claude-3-5-sonnet-20*', 3, 15, 0.3, 3.75),
    ('claude-3-5-sonnet-latest', 3, 15, 0.3, 3.75),
    ('claude-3-7-sonnet', 3, 15, 0.3, 3.75),
    ('claude-3-7-sonnet-20*', 3, 15, 0.3, 3.75),
    ('claude-3-7-sonnet-latest', 3, 15, 0.3, 3.75),
    ('claude-3-opus', 15, 75, 1.5, 18.75),
    ('claude-3-opus-20*', 15, 75, 1.5, 18.75),
    ('claude-3-opus-latest', 15, 75, 1.5, 18.75),
    ('claude-sonnet-4', 3, 15, 0.3, 3.75),
    ('claude-sonnet-4-20*', 3, 15, 0.3, 3.75),
    ('claude-sonnet-4-5', 3, 15, 0.3, 3.75),
    ('claude-sonnet-4-5-20*', 3, 15, 0.3, 3.75),
    ('claude-opus-4', 15, 75, 1.5, 18.75),
    ('claude-opus-4-20*', 15, 75, 1.5, 18.75),
    ('claude-opus-4-1', 15, 75, 1.5, 18.75),
    ('claude-opus-4-1-20*', 15, 75, 1.5, 18.75),
    ('claude-haiku-4-5', 1, 5, 0.1, 1.25),
    ('claude-haiku-4-5-20*', 1, 5, 0.1, 1.25),
    ('claude-sonnet-4-0', 3, 15, 0.3, 3.75),
    ('claude-opus-4-0', 15, 75, 1.5, 18.75),
    ('gemini-2.5-pro', 1.25, 10, null, null),
    ('gemini-2.5-flash', 0.3, 2.5, null, null),
    ('gemini-2.5-flash-lite', 0.1, 0.4, null, null),
    ('gemini-2.0-flash', 0.1, 0.4, 0.025, null),
    ('gemini-2.0-flash-001', 0.1, 0.4, 0.025, null),
    ('gemini-2.0-flash-lite', 0.075, 0.3, null, null),
    ('gemini-2.0-flash-lite-001', 0.075, 0.3, null, null)
$$;
--> statement-breakpoint
-- Deletes at most max_rows rollup rows of dropped months, which the views exclude. Returns their number.
create or replace function delete_dropped_rollups(max_rows integer default 5000)
returns integer language plpgsql security definer
set search_path = public, pg_temp set lock_timeout = '1s' as $$
declare
  oldest date;
  rollup text;
  deleted integer;
  total integer := 0;
begin
  select month into oldest from execution_horizon where is_pending for update skip locked;
  if oldest is null or not pg_try_advisory_xact_lock(hashtext('flowkeep.execution_rollups')) then
    return 0;
  end if;
  delete from execution_changes where ctid = any (array(
    select ctid from execution_changes where recorded_at < oldest::timestamp at time zone 'UTC' limit max_rows));
  get diagnostics total = row_count;
  foreach rollup in array array['execution_stats', 'error_stats', 'error_groups', 'node_stats', 'usage_stats'] loop
    execute format('delete from %I where ctid = any (array(
      select ctid from %I where recorded_month < $1 limit $2))', rollup, rollup) using oldest, max_rows - total;
    get diagnostics deleted = row_count;
    total := total + deleted;
  end loop;
  if total < max_rows then
    update execution_horizon set is_pending = false;
  end if;
  return total;
end $$;
--> statement-breakpoint
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
--> statement-breakpoint
-- Changes the version, its source and the kind of executions, and moves their rollups. Null keeps a value. Locks keys in
-- the same order as deliveries. The nodes of trimmed data stay counted for the earlier version.
create or replace function move_executions(ids uuid[], times timestamptz[], versions integer[], sources text[], kinds text[])
returns integer language sql as $$
  with target as (
    select * from unnest(ids, times, versions, sources, kinds) t (id, recorded_at, version, source, kind)
  ), locked as materialized (
    select k.id, k.recorded_at from target t
    join executions e on e.id = t.id and e.recorded_at = t.recorded_at
    join execution_keys k on k.instance_id = e.instance_id and k.n8n_execution_id = e.n8n_execution_id and k.id = e.id
    order by k.instance_id, k.n8n_execution_id collate "C", k.epoch
    for update of k
  ), moved as (
    update executions e set
      workflow_version = coalesce(t.version, e.workflow_version),
      workflow_version_source = coalesce(t.source, e.workflow_version_source),
      kind = coalesce(t.kind, e.kind),
      previous_workflow_version = e.workflow_version,
      previous_kind = e.kind,
      previous_duration_ms = counted_ms(e.started_at, e.finished_at, e.waited, e.active_ms),
      previous_error_fingerprint = e.error_fingerprint,
      previous_data = null,
      previous_data_stamp = e.data_stamp,
      updated_at = now()
    from locked l
    join target t on t.id = l.id
    where e.id = l.id and e.recorded_at = l.recorded_at and (e.workflow_version, e.workflow_version_source, e.kind)
      is distinct from (coalesce(t.version, e.workflow_version), coalesce(t.source, e.workflow_version_source),
        coalesce(t.kind, e.kind))
    returning e.*
  ), changes as (
    insert into execution_changes
      (user_id, deployment_id, workflow_id, instance_id, workflow_version, kind, recorded_at, sign, status, started_at,
       finished_at, duration_ms, error_fingerprint, node_names, node_counts, usage)
    select m.user_id, m.deployment_id, m.workflow_id, m.instance_id, c.version, c.kind, m.recorded_at, c.sign, m.status,
      m.started_at, m.finished_at, m.previous_duration_ms, m.error_fingerprint, n.names, n.counts, m.usage
    from moved m
    cross join lateral run_nodes(m.data) n
    cross join lateral (values
      (1, m.workflow_version, m.kind), (-1, m.previous_workflow_version, m.previous_kind)
    ) c (sign, version, kind)
    where (m.workflow_version, m.kind) is distinct from (m.previous_workflow_version, m.previous_kind)
  )
  select count(*)::integer from moved
$$;
--> statement-breakpoint
-- The price of a model in US dollars per million tokens; no row without one. A user's own prices come first, then an exact
-- name, then the longest pattern.
create or replace function price_of_model(of_user uuid, of_model text) returns table (
  input double precision, output double precision, cached double precision, written double precision)
language sql stable parallel safe as $$
  select p.input, p.output, coalesce(p.cached, p.input), coalesce(p.written, p.input)
  from (
    select m.model, m.input, m.output, m.cached, m.written, 0 as place from model_prices m where m.user_id = of_user
    union all
    select d.model, d.input, d.output, d.cached, d.written, 1 from default_model_prices() d
  ) p
  where of_model <> '' and case when right(p.model, 1) = '*'
    then starts_with(lower(of_model), lower(rtrim(p.model, '*'))) else lower(of_model) = lower(p.model) end
  order by p.place, right(p.model, 1) = '*', length(p.model) desc
  limit 1
$$;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
-- The usage of one run by model, written by `src/executions/record/usage.ts`. An unknown model is empty.
create or replace function usage_by_model(usage jsonb) returns table (
  model text, calls bigint, input bigint, cached bigint, written bigint, output bigint, estimated bigint)
language sql immutable parallel safe as $$
  select coalesce(u.model, ''), sum(u.calls)::bigint, sum(u.input)::bigint, coalesce(sum(u.cached), 0)::bigint,
    coalesce(sum(u.written), 0)::bigint, sum(u.output)::bigint, coalesce(sum(u.estimated), 0)::bigint
  from jsonb_to_recordset(usage) u (model text, calls bigint, input bigint, cached bigint, written bigint, output bigint,
    estimated bigint)
  group by 1
$$;
--> statement-breakpoint
-- The cost of tokens in US dollars. Null without a price.
create or replace function usage_cost(input numeric, cached numeric, written numeric, output numeric,
  input_price double precision, cached_price double precision, written_price double precision,
  output_price double precision)
returns double precision language sql immutable parallel safe as $$
  select ((input - cached - written)::float8 * input_price + cached::float8 * cached_price
    + written::float8 * written_price + output::float8 * output_price) / 1e6
$$;
--> statement-breakpoint
-- The contribution of a change to the usage statistics.
create or replace function usage_of_change(change execution_changes) returns table (
  grain text, at timestamptz, model text, executions integer, calls bigint, input bigint, cached bigint, written bigint,
  output bigint, estimated bigint)
language sql stable parallel safe as $$
  select g.grain,
    date_bin(g.width, coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'), u.model,
    change.sign::integer, change.sign * u.calls, change.sign * u.input, change.sign * u.cached,
    change.sign * u.written, change.sign * u.output, change.sign * u.estimated
  from usage_by_model(change.usage) u
  cross join (values ('hour', interval '1 hour'), ('day', '1 day')) g (grain, width)
  where change.usage is not null
$$;
--> statement-breakpoint
create view usage_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, grain, at, model, executions, calls, input, cached,
  written, output, estimated
from usage_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, c.workflow_id, c.instance_id, c.deployment_id, c.workflow_version, u.*
from execution_changes c
cross join lateral usage_of_change(c) u
where c.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon);
