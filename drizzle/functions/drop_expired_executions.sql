-- Drops the oldest month of executions if it ended before expired_before: first its keys, at most max_keys per call, then
-- the partition with its rollups. Returns 'keys' if keys remain, 'dropped' (another month may follow), 'none', or 'busy'
-- if the lock on the table was not available quickly: the wait is short, because deliveries queue behind it. Keys are
-- deleted first, because a key without its partition could not accept a late delivery.
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
