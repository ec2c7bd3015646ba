-- Creates the monthly partitions of `executions` from the month of from_at on. Returns the number created. A month that
-- was dropped and is created again counts from zero.
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
