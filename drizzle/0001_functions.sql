create function set_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end $$;
--> statement-breakpoint
create trigger users_updated_at before update on users
  for each row execute function set_updated_at();
--> statement-breakpoint
create trigger workflows_updated_at before update on workflows
  for each row execute function set_updated_at();
--> statement-breakpoint
create trigger deployments_updated_at before update on deployments
  for each row execute function set_updated_at();
--> statement-breakpoint
-- A rotation rewraps the sealed column and leaves the version: that is no change the owner made.
create trigger credentials_updated_at before update on credentials
  for each row when (old.credential_data is not distinct from new.credential_data or old.version <> new.version)
  execute function set_updated_at();
--> statement-breakpoint
create trigger instances_updated_at before update on instances
  for each row when (old.api_key is not distinct from new.api_key or old.version <> new.version)
  execute function set_updated_at();
--> statement-breakpoint
-- Makes the monthly partitions from the month of from_at (UTC) to months_ahead later; returns how many were new.
-- Attaching instead of `create table … partition of` leaves readers and writers of the parent undisturbed.
create function ensure_execution_partitions(from_at timestamptz default now(), months_ahead integer default 3)
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
select ensure_execution_partitions();
--> statement-breakpoint
-- Locks the owner and counts: creations that race for the last unit of a quota pass one by one.
create function claim_quota(owner uuid, entity text, quota integer) returns void language plpgsql as $$
declare
  used integer;
begin
  perform 1 from users where id = owner and deleted_at is null for no key update;
  if not found then
    raise exception 'no such account' using errcode = 'FK401';
  end if;
  if entity not in ('credentials', 'workflows', 'instances', 'deployments') then
    raise exception 'no quota for %', entity using errcode = '22023';
  end if;
  execute format('select count(*) from (select 1 from %I where user_id = $1 limit $2) counted', entity)
    into used using owner, quota;
  if used >= quota then
    raise exception 'quota exceeded' using errcode = 'FK403';
  end if;
end $$;
