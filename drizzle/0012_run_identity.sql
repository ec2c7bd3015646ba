-- Everything in the ledger is rolled up as before: first while deliveries continue, then the rest under a lock. Keys are
-- locked first, as deliveries do.
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
lock table execution_keys in access exclusive mode;
--> statement-breakpoint
lock table executions in access exclusive mode;
--> statement-breakpoint
lock table execution_changes in access exclusive mode;
--> statement-breakpoint
do $$ begin
  while fold_execution_changes(100000, 1000000) > 0 loop
  end loop;
end $$;
--> statement-breakpoint
drop view execution_stats_now, error_stats_now, node_stats_now;
--> statement-breakpoint
drop function record_executions, runs_between, failures_between, slots_of_change, errors_of_change, nodes_of_change;
--> statement-breakpoint
CREATE TABLE "execution_backfill" (
	"is_only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"before_id" uuid NOT NULL,
	CONSTRAINT "execution_backfill_only_check" CHECK ("execution_backfill"."is_only")
);
--> statement-breakpoint
CREATE TABLE "incidents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"workflow_version" integer NOT NULL,
	"deployment_id" uuid NOT NULL,
	"n8n_workflow_id" text NOT NULL,
	"source" text NOT NULL,
	"mode" text,
	"message" text NOT NULL,
	"node" text,
	"error_class" text,
	"http_status" integer,
	"fingerprint" text NOT NULL,
	"message_pattern" text NOT NULL,
	"occurred_at" timestamp (3) with time zone NOT NULL,
	"delivery_hash" text NOT NULL,
	"deliveries" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "incidents_delivery_key" UNIQUE("instance_id","delivery_hash")
);
--> statement-breakpoint
ALTER TABLE "error_stats" ADD COLUMN "kind" text DEFAULT 'production' NOT NULL;--> statement-breakpoint
ALTER TABLE "execution_changes" ADD COLUMN "kind" text DEFAULT 'production' NOT NULL;--> statement-breakpoint
ALTER TABLE "execution_changes" ADD COLUMN "duration_ms" bigint;--> statement-breakpoint
ALTER TABLE "execution_stats" ADD COLUMN "kind" text DEFAULT 'production' NOT NULL;--> statement-breakpoint
ALTER TABLE "node_stats" ADD COLUMN "kind" text DEFAULT 'production' NOT NULL;--> statement-breakpoint
ALTER TABLE "deployment_versions" ADD COLUMN "n8n_version_id" text;--> statement-breakpoint
ALTER TABLE "execution_keys" ADD COLUMN "epoch" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "execution_keys" ADD COLUMN "is_start_polled" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "execution_keys" ADD COLUMN "n8n_version_id" text;--> statement-breakpoint
ALTER TABLE "execution_keys" ADD COLUMN "retry_of" text;--> statement-breakpoint
ALTER TABLE "execution_keys" ADD COLUMN "is_retry_pending" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "execution_keys" ADD COLUMN "is_refused" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "workflow_version_source" text DEFAULT 'time' NOT NULL;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "n8n_workflow_version_id" text;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "kind" text DEFAULT 'production' NOT NULL;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "retry_of" text;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "retry_of_id" uuid;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "retried_by_id" uuid;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "waited" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "active_ms" bigint;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_workflow_version" integer;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_kind" text;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_duration_ms" bigint;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "epoch" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "epoch_started_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "incidents_user_idx" ON "incidents" USING btree ("user_id","occurred_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "incidents_workflow_idx" ON "incidents" USING btree ("workflow_id","occurred_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "incidents_occurred_at_idx" ON "incidents" USING brin ("occurred_at");--> statement-breakpoint
CREATE INDEX "execution_keys_retry_of_idx" ON "execution_keys" USING btree ("instance_id","retry_of") WHERE "execution_keys"."retry_of" is not null;--> statement-breakpoint
CREATE INDEX "execution_keys_retry_pending_idx" ON "execution_keys" USING btree ("instance_id") WHERE "execution_keys"."is_retry_pending";--> statement-breakpoint
CREATE INDEX "executions_unattributed_idx" ON "executions" USING btree ("deployment_id","n8n_workflow_version_id") WHERE "executions"."workflow_version_source" = 'time' and "executions"."n8n_workflow_version_id" is not null;--> statement-breakpoint
ALTER TABLE "error_stats" DROP CONSTRAINT "error_stats_pkey";
--> statement-breakpoint
ALTER TABLE "error_stats" ADD CONSTRAINT "error_stats_pkey" PRIMARY KEY("user_id","grain","at","fingerprint","deployment_id","workflow_version","kind","recorded_month");--> statement-breakpoint
ALTER TABLE "execution_stats" DROP CONSTRAINT "execution_stats_pkey";
--> statement-breakpoint
ALTER TABLE "execution_stats" ADD CONSTRAINT "execution_stats_pkey" PRIMARY KEY("user_id","grain","at","workflow_id","deployment_id","workflow_version","kind","recorded_month");--> statement-breakpoint
ALTER TABLE "node_stats" DROP CONSTRAINT "node_stats_pkey";
--> statement-breakpoint
ALTER TABLE "node_stats" ADD CONSTRAINT "node_stats_pkey" PRIMARY KEY("user_id","at","workflow_id","deployment_id","workflow_version","kind","node_type","node_name","recorded_month");--> statement-breakpoint
ALTER TABLE "execution_keys" DROP CONSTRAINT "execution_keys_pkey";
--> statement-breakpoint
ALTER TABLE "execution_keys" ADD CONSTRAINT "execution_keys_pkey" PRIMARY KEY("instance_id","n8n_execution_id","epoch");
--> statement-breakpoint
-- Which of `runKinds` a run counts as by n8n's mode; the kind of a retry is its original's.
create function run_kind(mode text) returns text language sql immutable parallel safe as $$
  select case mode when 'manual' then 'manual' when 'evaluation' then 'manual' when 'integrated' then 'sub'
    when 'error' then 'error' else 'production' end
$$;
--> statement-breakpoint
-- What a run counts with in the percentiles: null while it is not known how long a run that waited was active.
create function counted_ms(started_at timestamptz, finished_at timestamptz, waited boolean, active_ms bigint)
returns bigint language sql immutable parallel safe as $$
  select case when waited then active_ms else run_ms(started_at, finished_at) end
$$;
--> statement-breakpoint
-- The functions …_of_change tell how a change counts in each rollup, for the views and for the roll-up alike; they are
-- inlined. A run counts at its start; when that is unknown at its end, else when it was first heard of.
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
    duration_bucket(change.duration_ms)
$$;
--> statement-breakpoint
-- A run has an error only while it counts as failed.
create function errors_of_change(change execution_changes) returns table (
  fingerprint text, grain text, at timestamptz, runs integer)
language sql stable parallel safe as $$
  select change.error_fingerprint, g.grain,
    date_bin(g.width, coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'),
    change.sign::integer
  from (values ('hour', interval '1 hour'), ('day', interval '1 day')) g (grain, width)
  where change.error_fingerprint is not null and change.status in ('error', 'canceled', 'crashed', 'unknown')
$$;
--> statement-breakpoint
-- `node` is the node's type, a line feed, its name; `day` counts from 2000-01-01.
create function nodes_of_change(change execution_changes) returns table (
  node text, day integer, runs bigint, executions integer, failures integer, items bigint, total_ms bigint,
  bucket smallint)
language sql stable parallel safe as $$
  select n.node,
    coalesce(c.counts[n.place * 5 - 4], (change.recorded_at at time zone 'UTC')::date - date '2000-01-01'),
    (change.sign * c.counts[n.place * 5 - 3])::bigint, change.sign::integer,
    change.sign * c.counts[n.place * 5 - 2], (change.sign * c.counts[n.place * 5 - 1])::bigint,
    (change.sign * coalesce(c.counts[n.place * 5], 0))::bigint,
    duration_bucket(c.counts[n.place * 5] / c.counts[n.place * 5 - 3])
  -- Decompressed once, not at each subscript.
  from (select change.node_counts || '{}'::integer[] as counts offset 0) c
  cross join unnest(change.node_names) with ordinality n (node, place)
$$;
--> statement-breakpoint
create view execution_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, grain, at,
  "new", running, waiting, success, error, canceled, crashed, "unknown", durations
from execution_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, c.kind, o.grain,
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
create view error_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, fingerprint, grain, at, runs
from error_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, c.workflow_id, c.instance_id, c.deployment_id, c.workflow_version, c.kind, e.*
from execution_changes c
cross join lateral errors_of_change(c) e
where c.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon);
--> statement-breakpoint
create view node_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, node_type, node_name, at,
  runs, executions, failures, items, total_ms, durations
from node_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, c.kind, node_type_of(n.node), o.node_name,
  start_of_day(n.day), n.runs, n.executions, n.failures, n.items, n.total_ms,
  coalesce(n.runs * duration_histogram(n.bucket), 0)
from execution_changes c
cross join lateral nodes_of_change(c) n
cross join lateral (values
  (c.workflow_id, c.instance_id, c.deployment_id, c.workflow_version, node_name_of(n.node)),
  ('00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid,
    '00000000-0000-0000-0000-000000000000'::uuid, 0, '')
) o (workflow_id, instance_id, deployment_id, workflow_version, node_name)
where c.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon);
--> statement-breakpoint
-- Counts buckets first and makes histograms of them then: adding numbers of a hundred digits is expensive.
-- Moves at most max_changes changes with about max_nodes nodes into the rollups and returns how many; null while another
-- session does. Rows may come to zero, and below until their counterpart is rolled up as well: only sums over the views
-- mean anything.
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
-- The runs of parts of hours, which no rollup has. `place` tells which range it was. One range at a time: for a join with
-- all of them the planner expects so many rows that it reads everything. A null argument does not filter.
create function runs_between(of_user uuid, starts timestamptz[], ends timestamptz[], are_together boolean,
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
--> statement-breakpoint
create function failures_between(of_user uuid, starts timestamptz[], ends timestamptz[])
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
        and e.error_fingerprint is not null and e.status in ('error', 'canceled', 'crashed', 'unknown')
      group by 2, 3, 4, 5, 6, 7, 8;
  end loop;
end $$;
--> statement-breakpoint
-- Records deliveries and appends to the ledger of the rollups what that changes. `node_lists` are the names that the
-- ledger is to have, as text[]; an item tells by `node_list` which of them, from 1 on, are its nodes'. No two items are
-- of the same n8n id.
--
-- The upsert of executions must not be an update: a racing first delivery may have committed after this statement's
-- snapshot was taken, and only `on conflict` sees such a row. What the key holds is settled there under its lock; what
-- only the row holds is merged against the row itself, whose lock nobody takes without the key's. What either held
-- before comes back in its `previous_…` columns: a select here would read the snapshot. Data that was trimmed stays
-- gone: what it has added to the rollups could not be taken back.
--
-- No row but those of the instance when it begins an epoch, then of the keys, and of error groups after them, is waited
-- for. Their sort comes before the first row, so every key is locked by then, and all statements lock groups in one
-- order. The advisory lock, which is taken first, makes `settle_retries` wait for this transaction.
create function record_executions(of_instance uuid, items jsonb, node_lists jsonb)
returns table (n8n_execution_id text, id uuid, recorded_at timestamptz, status text, started_at timestamptz,
  finished_at timestamptz, previous_status text, previous_started_at timestamptz, previous_finished_at timestamptz,
  user_id uuid, deployment_id uuid, workflow_version integer, is_retry_pending boolean, has_new_epoch boolean)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  placed record;
  is_new_epoch boolean := false;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(of_instance::text, 0));
  -- The epoch that each item belongs to. n8n's ids are unique within an epoch only, so a run is told by its start: by
  -- n8n's own records to the second, else within five minutes, which clocks may differ by. Of a run that has not ended
  -- another start may be told, as n8n 1.x does after a wait. When the current epoch has another, ended run with the id of
  -- an item, n8n has begun a new one.
  loop
    select array_agg(case when k.fit > 0 then k.epoch else i.epoch end order by item.nth) as epochs,
      bool_or(k.fit = 0 and k.epoch = i.epoch) as is_other, min(i.epoch) as epoch, min(item.recorded_at) as recorded_at
    into placed
    from rows from (jsonb_to_recordset(items) as (
      n8n_execution_id text, status text, started_at timestamptz, finished_at timestamptz, recorded_at timestamptz,
      is_polled boolean)) with ordinality item (
      n8n_execution_id, status, started_at, finished_at, recorded_at, is_polled, nth)
    join instances i on i.id = of_instance
    left join lateral (
      select key.epoch, case
          when item.started_at is null then
            case when key.epoch = i.epoch then 2 when item.recorded_at < i.epoch_started_at then 1 else 0 end
          when key.started_at between item.started_at - t.tolerance and item.started_at + t.tolerance
            or key.finished_at between item.finished_at - t.tolerance and item.finished_at + t.tolerance then 3
          when key.epoch <> i.epoch then 0
          when key.started_at is null then
            case when key.status in ('new', 'running', 'waiting')
              or item.started_at <= key.recorded_at + interval '1 hour' then 2 else 0 end
          when case when key.started_at < item.started_at then key.status else item.status end
            in ('new', 'running', 'waiting') then 2
          else 0 end as fit
      from execution_keys key
      cross join lateral (
        -- A key of before whose end was polled has a polled start too.
        select case when item.is_polled and (key.is_start_polled or key.stamp collate "C" >= '40')
          then interval '1 second' else '5 minutes' end as tolerance
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
      item.retry_of is not null or exists (
        select from execution_keys r where r.instance_id = of_instance and r.retry_of = item.n8n_execution_id
          and r.epoch = item.epoch) as is_in_chain
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
      (instance_id, n8n_execution_id, epoch, id, recorded_at, user_id, status, stamp, started_at, is_start_polled,
       finished_at, n8n_version_id, retry_of, is_retry_pending)
    select of_instance, n8n_execution_id, epoch, id, recorded_at, user_id, status, stamp, started_at,
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
    left join lateral (select * from run_nodes(c.data) where c.is_moved and not c.is_replaced) n on true
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
-- Gives executions another version, its source and kind, and moves what they have added to the rollups. Null leaves what
-- is there. Keys are locked in the order in which deliveries lock them. The nodes of data that is trimmed stay where
-- they were counted.
create function move_executions(ids uuid[], times timestamptz[], versions integer[], sources text[], kinds text[])
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
       finished_at, duration_ms, error_fingerprint, node_names, node_counts)
    select m.user_id, m.deployment_id, m.workflow_id, m.instance_id, c.version, c.kind, m.recorded_at, c.sign, m.status,
      m.started_at, m.finished_at, m.previous_duration_ms, m.error_fingerprint, n.names, n.counts
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
-- Counts each chain of retries once. Of its runs that succeeded, failed or crashed the latest decides the outcome and
-- counts as the kind of the original; the others are superseded. Runs still open, cancelled or lost decide nothing. It
-- depends on what is recorded only, not on its order: the lock lets it see every delivery that has begun.
create function settle_retries(of_instance uuid) returns integer language plpgsql as $$
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
    join execution_keys k on k.instance_id = of_instance and k.retry_of = m.id and k.epoch = m.epoch
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
--> statement-breakpoint
-- Gives at most max_rows runs of an n8n version the version that the history has come to know it as; returns how many.
create function attribute_executions(of_deployment uuid, of_n8n_version text, max_rows integer default 1000)
returns integer language plpgsql as $$
declare
  known integer;
  chosen record;
begin
  perform pg_advisory_xact_lock(hashtextextended(d.instance_id::text, 0)) from deployments d where d.id = of_deployment;
  select h.version into known from deployment_versions h
  where h.deployment_id = of_deployment and h.n8n_version_id = of_n8n_version
  order by h.sequence desc limit 1;
  if known is null then
    return 0;
  end if;
  select array_agg(e.id) as ids, array_agg(e.recorded_at) as times, array_agg(known) as versions,
    array_agg('n8n'::text) as sources
  into chosen
  from (
    select id, recorded_at from executions
    where deployment_id = of_deployment and n8n_workflow_version_id = of_n8n_version and workflow_version_source = 'time'
    limit max_rows
  ) e;
  return move_executions(chosen.ids, chosen.times, chosen.versions, chosen.sources, null);
end $$;
--> statement-breakpoint
-- Corrects the next max_rows executions of those recorded before runs had kinds, newest first: their version by the
-- history, their kind by n8n's mode. Returns how many it looked at; 0 when all are corrected or another session does it.
create function backfill_executions(max_rows integer default 1000) returns integer language plpgsql as $$
declare
  before uuid;
  chunk record;
  chosen record;
begin
  select before_id into before from execution_backfill for update skip locked;
  if before is null then
    return 0;
  end if;
  select array_agg(e.id) as ids, array_agg(e.recorded_at) as times, array_agg(distinct e.instance_id) as instances,
    (array_agg(e.id order by e.id))[1] as oldest, count(*)::integer as size
  into chunk
  from (select id, recorded_at, instance_id from executions where id < before order by id desc limit max_rows) e;
  perform pg_advisory_xact_lock(hashtextextended(i.id::text, 0)) from unnest(chunk.instances) i (id);
  select array_agg(e.id) as ids, array_agg(e.recorded_at) as times,
    array_agg(case when e.workflow_version_source = 'time' then h.version end) as versions,
    array_agg(case when e.retry_of is null and e.kind <> 'superseded' then run_kind(e.mode) end) as kinds
  into chosen
  from unnest(chunk.ids, chunk.times) c (id, recorded_at)
  join executions e on e.id = c.id and e.recorded_at = c.recorded_at
  left join lateral (
    select h.version from deployment_versions h
    where h.deployment_id = e.deployment_id
      and (h.created_at <= coalesce(e.started_at, e.finished_at, e.recorded_at) or h.sequence = 1)
    order by h.sequence desc limit 1
  ) h on true;
  perform move_executions(chosen.ids, chosen.times, chosen.versions, null, chosen.kinds);
  if chunk.size < max_rows then
    delete from execution_backfill;
  else
    update execution_backfill set before_id = chunk.oldest;
  end if;
  return chunk.size;
end $$;
--> statement-breakpoint
insert into execution_backfill (before_id) values ('ffffffff-ffff-ffff-ffff-ffffffffffff');
--> statement-breakpoint
-- The scheduled job corrects what is older.
do $$ begin
  for n in 1..20 loop
    exit when backfill_executions(1000) = 0;
  end loop;
end $$;
--> statement-breakpoint
do $$ begin
  while fold_execution_changes(100000, 1000000) > 0 loop
  end loop;
end $$;
