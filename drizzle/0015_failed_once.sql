-- A run fails as `error` or `crashed`, everywhere. Error groups counted cancelled and lost runs too: they are taken off.
-- Everything in the ledger is rolled up first, and nothing is recorded meanwhile. Keys are locked first, as deliveries do.
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
DROP INDEX "executions_failed_idx";--> statement-breakpoint
CREATE INDEX "incidents_fingerprint_idx" ON "incidents" USING btree ("user_id","fingerprint","occurred_at" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "executions_failed_idx" ON "executions" USING btree ("user_id",coalesce("started_at", "finished_at", "recorded_at") desc,"id" DESC NULLS FIRST) WHERE "executions"."status" in ('error', 'crashed');
--> statement-breakpoint
insert into error_stats as kept
  (user_id, workflow_id, instance_id, deployment_id, workflow_version, kind, recorded_month, fingerprint, grain, at, runs)
select e.user_id, e.workflow_id, e.instance_id, e.deployment_id, e.workflow_version, e.kind, utc_month(e.recorded_at),
  e.error_fingerprint, g.grain, date_bin(g.width, coalesce(e.started_at, e.finished_at, e.recorded_at), '2000-01-01Z'),
  -count(*)
from executions e
cross join (values ('hour', interval '1 hour'), ('day', interval '1 day')) g (grain, width)
where e.error_fingerprint is not null and e.status in ('canceled', 'unknown')
  and e.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon)
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
on conflict on constraint error_stats_pkey do update set runs = kept.runs + excluded.runs;
--> statement-breakpoint
delete from error_stats where runs = 0;
--> statement-breakpoint
-- A run has an error only while it counts as failed.
create or replace function errors_of_change(change execution_changes) returns table (
  fingerprint text, grain text, at timestamptz, runs integer)
language sql stable parallel safe as $$
  select change.error_fingerprint, g.grain,
    date_bin(g.width, coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'),
    change.sign::integer
  from (values ('hour', interval '1 hour'), ('day', interval '1 day')) g (grain, width)
  where change.error_fingerprint is not null and change.status in ('error', 'crashed')
$$;
--> statement-breakpoint
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
