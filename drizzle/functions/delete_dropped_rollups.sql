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
