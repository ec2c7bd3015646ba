CREATE TABLE "error_groups" (
	"user_id" uuid NOT NULL,
	"fingerprint" text NOT NULL,
	"recorded_month" date NOT NULL,
	"node" text,
	"error_class" text,
	"http_status" integer,
	"message" text NOT NULL,
	CONSTRAINT "error_groups_pkey" PRIMARY KEY("user_id","fingerprint","recorded_month")
);
--> statement-breakpoint
CREATE TABLE "error_stats" (
	"user_id" uuid NOT NULL,
	"deployment_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"recorded_month" date NOT NULL,
	"workflow_version" integer NOT NULL,
	"grain" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"fingerprint" text NOT NULL,
	"runs" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "error_stats_pkey" PRIMARY KEY("user_id","grain","at","fingerprint","deployment_id","workflow_version","recorded_month")
);
--> statement-breakpoint
CREATE TABLE "execution_changes" (
	"id" bigint GENERATED ALWAYS AS IDENTITY (sequence name "execution_changes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" uuid NOT NULL,
	"deployment_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"workflow_version" integer NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	"sign" smallint NOT NULL,
	"status" text NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"error_fingerprint" text,
	"node_names" text[],
	"node_counts" integer[],
	CONSTRAINT "execution_changes_pkey" PRIMARY KEY("user_id","id")
);
--> statement-breakpoint
CREATE TABLE "execution_horizon" (
	"is_only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"month" date NOT NULL,
	"is_pending" boolean DEFAULT false NOT NULL,
	CONSTRAINT "execution_horizon_only_check" CHECK ("execution_horizon"."is_only")
);
--> statement-breakpoint
CREATE TABLE "execution_stats" (
	"user_id" uuid NOT NULL,
	"deployment_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"recorded_month" date NOT NULL,
	"workflow_version" integer NOT NULL,
	"grain" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"new" integer DEFAULT 0 NOT NULL,
	"running" integer DEFAULT 0 NOT NULL,
	"waiting" integer DEFAULT 0 NOT NULL,
	"success" integer DEFAULT 0 NOT NULL,
	"error" integer DEFAULT 0 NOT NULL,
	"canceled" integer DEFAULT 0 NOT NULL,
	"crashed" integer DEFAULT 0 NOT NULL,
	"unknown" integer DEFAULT 0 NOT NULL,
	"durations" numeric DEFAULT '0' NOT NULL,
	CONSTRAINT "execution_stats_pkey" PRIMARY KEY("user_id","grain","at","workflow_id","deployment_id","workflow_version","recorded_month")
);
--> statement-breakpoint
CREATE TABLE "node_stats" (
	"user_id" uuid NOT NULL,
	"deployment_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"recorded_month" date NOT NULL,
	"workflow_version" integer NOT NULL,
	"node_type" text NOT NULL,
	"node_name" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"runs" bigint DEFAULT 0 NOT NULL,
	"executions" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"items" bigint DEFAULT 0 NOT NULL,
	"total_ms" bigint DEFAULT 0 NOT NULL,
	"durations" numeric DEFAULT '0' NOT NULL,
	CONSTRAINT "node_stats_pkey" PRIMARY KEY("user_id","at","workflow_id","deployment_id","workflow_version","node_type","node_name","recorded_month")
);
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "error_fingerprint" text;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "error_http_status" integer;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_error_fingerprint" text;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_data" jsonb;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "previous_data_stamp" text;--> statement-breakpoint
CREATE INDEX "error_groups_month_idx" ON "error_groups" USING brin ("recorded_month");--> statement-breakpoint
CREATE INDEX "error_stats_month_idx" ON "error_stats" USING brin ("recorded_month");--> statement-breakpoint
CREATE INDEX "execution_stats_month_idx" ON "execution_stats" USING brin ("recorded_month");--> statement-breakpoint
CREATE INDEX "node_stats_month_idx" ON "node_stats" USING brin ("recorded_month");--> statement-breakpoint
CREATE INDEX "executions_happened_idx" ON "executions" USING btree ("user_id",coalesce("started_at", "finished_at", "recorded_at"));--> statement-breakpoint
CREATE INDEX "executions_error_idx" ON "executions" USING btree ("user_id","error_fingerprint","recorded_at" DESC NULLS FIRST,"id" DESC NULLS FIRST) WHERE "executions"."error_fingerprint" is not null;
--> statement-breakpoint
insert into execution_horizon (month) values ('2000-01-01');
--> statement-breakpoint
-- The queue is emptied all the time, and the rollups are updated in place.
alter table execution_changes set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);
--> statement-breakpoint
alter table execution_stats set (fillfactor = 80);
--> statement-breakpoint
alter table node_stats set (fillfactor = 80);
--> statement-breakpoint
alter table error_stats set (fillfactor = 80);
--> statement-breakpoint
create function utc_month(at timestamptz) returns date language sql immutable parallel safe as $$
  select date_trunc('month', at at time zone 'UTC')::date
$$;
--> statement-breakpoint
-- Bucket 0 holds 0 ms; bucket n what lies from 1.1^(n-1) up to 1.1^n.
create function duration_bucket(ms bigint) returns smallint language sql immutable parallel safe as $$
  select case when ms < 1 then 0 when ms >= 1 then least(floor(ln(ms::float8) / ln(1.1::float8)) + 1, 400) end::smallint
$$;
--> statement-breakpoint
-- A histogram of one run: see the columns `durations`.
create function duration_histogram(bucket smallint) returns numeric language sql immutable parallel safe as $$
  select ('1e' || 12 * bucket)::numeric
$$;
--> statement-breakpoint
-- Nearest-rank percentiles in ms; null when nothing ran. The bucket is the exact one, the place within it is taken as
-- spread evenly over its logarithm, and no whole number outside of it is given: off by a tenth at most.
create function duration_percentiles(durations numeric, out p50 float8, out p95 float8, out p99 float8)
language plpgsql immutable parallel safe as $$
declare
  digits text := durations::text;
  highest_first float8[];
  -- What the digits to a base add up to is the remainder by the base less one.
  upto float8 := durations % 999999999999;
  ranks float8[] := array[ceil(upto * 50 / 100), ceil(upto * 95 / 100), ceil(upto * 99 / 100)];
  found float8[] := array[null, null, null];
  wanted integer := 3;
  rank float8 := ranks[3];
  bucket integer;
  runs float8;
begin
  if durations is null or durations <= 0 then
    return;
  end if;
  highest_first := string_to_array(
    rtrim(regexp_replace(repeat('0', 11 - (length(digits) + 11) % 12) || digits, '(.{12})', '\1,', 'g'), ','), ',');
  bucket := cardinality(highest_first);
  <<buckets>>
  foreach runs in array highest_first loop
    bucket := bucket - 1;
    upto := upto - runs;
    while rank > upto loop
      found[wanted] := case when bucket = 0 then 0 else
        least(greatest(
          round(power(1.1::float8, bucket - 1 + (rank - upto - 0.5) / runs)),
          ceil(power(1.1::float8, bucket - 1))), ceil(power(1.1::float8, bucket)) - 1) end;
      wanted := wanted - 1;
      exit buckets when wanted = 0;
      rank := ranks[wanted];
    end loop;
  end loop;
  p50 := found[1];
  p95 := found[2];
  p99 := found[3];
end $$;
--> statement-breakpoint
-- A number of a report as a count, whatever a sender may have written; null when it is none.
create function count_of(value jsonb, largest integer) returns integer language sql immutable parallel safe as $$
  select case when jsonb_typeof(value) = 'number' then least(greatest(trunc(value::numeric), 0), largest)::integer end
$$;
--> statement-breakpoint
-- What a run's data adds to the statistics of its nodes, as src/executions/node-counts.ts says and does it for data that
-- is just coming in. Days are counted on from the first of the month: no text makes the cast fail.
create function run_nodes(data jsonb, out names text[], out counts integer[])
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
--> statement-breakpoint
-- The functions …_of_change say how a change counts in each rollup, for the views and for the fold alike; they are
-- inlined. A run counts at its start; when that is unknown at its end, else when it was first heard of.
create function stats_of_change(change execution_changes) returns table (
  hour timestamptz, "new" integer, running integer, waiting integer, success integer, error integer, canceled integer,
  crashed integer, "unknown" integer, bucket smallint)
language sql stable parallel safe as $$
  select date_bin('1 hour', coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'),
    case change.status when 'new' then change.sign else 0 end::integer,
    case change.status when 'running' then change.sign else 0 end::integer,
    case change.status when 'waiting' then change.sign else 0 end::integer,
    case change.status when 'success' then change.sign else 0 end::integer,
    case change.status when 'error' then change.sign else 0 end::integer,
    case change.status when 'canceled' then change.sign else 0 end::integer,
    case change.status when 'crashed' then change.sign else 0 end::integer,
    case change.status when 'unknown' then change.sign else 0 end::integer,
    case when change.finished_at >= change.started_at
      then duration_bucket((extract(epoch from change.finished_at - change.started_at) * 1000)::bigint) end
$$;
--> statement-breakpoint
-- A run has an error only while it counts as failed: one told of before it succeeded after all is none.
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
create function node_type_of(node text) returns text language sql immutable parallel safe as $$
  select split_part(node, e'\n', 1)
$$;
--> statement-breakpoint
create function node_name_of(node text) returns text language sql immutable parallel safe as $$
  select substr(node, strpos(node, e'\n') + 1)
$$;
--> statement-breakpoint
create function start_of_day(day integer) returns timestamptz language sql immutable parallel safe as $$
  select (date '2000-01-01' + day)::timestamp at time zone 'UTC'
$$;
--> statement-breakpoint
create view execution_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, grain, at,
  "new", running, waiting, success, error, canceled, crashed, "unknown", durations
from execution_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, o.*, g.grain, date_bin(g.width, s.hour, '2000-01-01Z'), s."new", s.running, s.waiting, s.success,
  s.error, s.canceled, s.crashed, s."unknown", coalesce(c.sign * duration_histogram(s.bucket), 0)
from execution_changes c
cross join lateral stats_of_change(c) s
cross join (values ('hour', interval '1 hour'), ('day', interval '1 day')) g (grain, width)
cross join lateral (values
  (c.workflow_id, c.instance_id, c.deployment_id, c.workflow_version),
  ('00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid,
    '00000000-0000-0000-0000-000000000000'::uuid, 0)
) o (workflow_id, instance_id, deployment_id, workflow_version)
where c.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon);
--> statement-breakpoint
create view error_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, fingerprint, grain, at, runs
from error_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, c.workflow_id, c.instance_id, c.deployment_id, c.workflow_version, e.*
from execution_changes c
cross join lateral errors_of_change(c) e
where c.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon);
--> statement-breakpoint
create view node_stats_now as
select user_id, workflow_id, instance_id, deployment_id, workflow_version, node_type, node_name, at,
  runs, executions, failures, items, total_ms, durations
from node_stats
where recorded_month >= (select month from execution_horizon)
union all
select c.user_id, o.workflow_id, o.instance_id, o.deployment_id, o.workflow_version, node_type_of(n.node), o.node_name,
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
-- Counts buckets first and makes histograms of them then: numbers of a hundred digits are dear to add up.
-- Moves at most max_changes changes with about max_nodes nodes into the rollups and returns how many; null while someone
-- else does. Rows may come to zero, and below until their counterpart is folded as well: only sums over the views mean
-- anything.
create function fold_execution_changes(max_changes integer default 5000, max_nodes integer default 50000)
returns integer language plpgsql security definer
set search_path = public, pg_temp set jit = off set work_mem = '32MB' as $$
declare
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
    select h.user_id, o.*, h.recorded_month, g.grain, date_bin(g.width, h.hour, '2000-01-01Z'), sum("new"), sum(running),
      sum(waiting), sum(success), sum(error), sum(canceled), sum(crashed), sum("unknown"), sum(durations)
    from (
      select user_id, workflow_id, instance_id, deployment_id, workflow_version, recorded_month, hour,
        sum("new") as "new", sum(running) as running, sum(waiting) as waiting, sum(success) as success,
        sum(error) as error, sum(canceled) as canceled, sum(crashed) as crashed, sum("unknown") as "unknown",
        coalesce(sum(runs * duration_histogram(bucket)), 0) as durations
      from (
        select t.user_id, t.workflow_id, t.instance_id, t.deployment_id, t.workflow_version,
          utc_month(t.recorded_at) as recorded_month, s.hour, s.bucket, sum(t.sign) as runs, sum(s."new") as "new",
          sum(s.running) as running, sum(s.waiting) as waiting, sum(s.success) as success, sum(s.error) as error,
          sum(s.canceled) as canceled, sum(s.crashed) as crashed, sum(s."unknown") as "unknown"
        from taken t
        cross join lateral stats_of_change(row(t.*)::execution_changes) s
        group by 1, 2, 3, 4, 5, 6, 7, 8
      ) by_bucket
      group by 1, 2, 3, 4, 5, 6, 7
    ) h
    cross join (values ('hour', interval '1 hour'), ('day', interval '1 day')) g (grain, width)
    cross join lateral (values
      (h.workflow_id, h.instance_id, h.deployment_id, h.workflow_version),
      ('00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid,
        '00000000-0000-0000-0000-000000000000'::uuid, 0)
    ) o (workflow_id, instance_id, deployment_id, workflow_version)
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
      ('00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid,
        '00000000-0000-0000-0000-000000000000'::uuid, 0, '')
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
-- Deletes at most max_rows rows of the rollups of months that are dropped; returns how many. Nobody counts them any more.
create function delete_dropped_rollups(max_rows integer default 5000)
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
  foreach rollup in array array['execution_stats', 'error_stats', 'error_groups', 'node_stats'] loop
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
-- As before; and a month made anew that had been dropped counts again, from nothing.
create or replace function ensure_execution_partitions(from_at timestamptz default now(), months_ahead integer default 3)
returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
  first_month timestamp := date_trunc('month', from_at at time zone 'UTC');
  month_start timestamp;
  partition_name text;
  made integer := 0;
begin
  if months_ahead not between 0 and 24 then
    raise exception 'months_ahead must be 0 to 24' using errcode = '22023';
  end if;
  perform pg_advisory_xact_lock(hashtext('flowkeep.execution_partitions'));
  if first_month < (select month from execution_horizon) then
    perform pg_advisory_xact_lock(hashtext('flowkeep.execution_rollups'));
    loop
      exit when not (select is_pending from execution_horizon);
      perform delete_dropped_rollups(1000000);
    end loop;
    update execution_horizon set month = first_month::date;
  end if;
  for i in 0..months_ahead loop
    month_start := first_month + make_interval(months => i);
    partition_name := 'executions_' || to_char(month_start, 'YYYY_MM');
    if to_regclass('public.' || partition_name) is null then
      execute format('create table %I (like executions including all)', partition_name);
      execute format('alter table executions attach partition %I for values from (%L) to (%L)',
        partition_name,
        month_start at time zone 'UTC',
        (month_start + interval '1 month') at time zone 'UTC');
      made := made + 1;
    end if;
  end loop;
  return made;
end $$;
--> statement-breakpoint
-- Takes away the oldest month of executions when it was over before expired_before: its keys, at most max_keys a call,
-- then the partition, and with it from the same moment on whatever it had added to the rollups. Returns 'keys' when
-- there are more keys, 'dropped' (there may be another month), 'none', or 'busy' when the table's lock was not to be had
-- at once: deliveries queue behind that wait, so it is a short one. Keys first: a key whose partition is gone could not
-- take a late delivery.
create or replace function drop_expired_executions(expired_before timestamptz, max_keys integer default 5000)
returns text language plpgsql security definer
set search_path = public, pg_temp set lock_timeout = '100ms' as $$
declare
  partition_name text;
  month_end timestamptz;
  deleted integer;
begin
  if expired_before > now() - interval '28 days' then
    raise exception 'executions are kept for 28 days at least' using errcode = '22023';
  end if;
  if not pg_try_advisory_xact_lock(hashtext('flowkeep.execution_partitions')) then
    return 'busy';
  end if;
  select c.relname, (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC'
    into partition_name, month_end
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.executions'::regclass and c.relname ~ '^executions_\d{4}_\d{2}$'
  order by c.relname
  limit 1;
  if partition_name is null or month_end > expired_before then
    return 'none';
  end if;
  delete from execution_keys where ctid = any (array(
    select ctid from execution_keys where recorded_at < month_end limit max_keys));
  get diagnostics deleted = row_count;
  if deleted >= max_keys then
    return 'keys';
  end if;
  update execution_horizon
    set month = greatest(month, (month_end at time zone 'UTC')::date), is_pending = true;
  execute format('alter table executions detach partition %I', partition_name);
  execute format('drop table %I', partition_name);
  return 'dropped';
exception
  when lock_not_available then
    return 'busy';
end $$;
--> statement-breakpoint
-- What is there already. Errors recorded until now have no fingerprint and belong to no group; data that is trimmed
-- has gone uncounted.
insert into execution_changes
  (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign, status, started_at,
   finished_at, node_names, node_counts)
select e.user_id, e.deployment_id, e.workflow_id, e.instance_id, e.workflow_version, e.recorded_at, 1, e.status,
  e.started_at, e.finished_at, n.names, n.counts
from executions e
cross join lateral run_nodes(e.data) n;
--> statement-breakpoint
do $$ begin
  while fold_execution_changes(100000, 1000000) > 0 loop
  end loop;
end $$;
