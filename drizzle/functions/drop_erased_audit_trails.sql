-- Deletes events of accounts that were deleted more than `days` days ago, at most max_rows. Returns their number.
create or replace function drop_erased_audit_trails(days integer, max_rows integer) returns integer
language plpgsql as $$
declare
  -- A setting of the function itself would require a superuser.
  previous text := coalesce(current_setting('flowkeep.audit', true), '');
  owners uuid[];
  dropped integer;
begin
  perform set_config('flowkeep.audit', 'erase', true);
  with gone as (
    delete from erased_audit_events where id = any (array(
      select id from erased_audit_events where erased_at < now() - make_interval(days => days) limit max_rows))
    returning user_id
  )
  select count(*), array_agg(distinct user_id) into dropped, owners from gone;
  perform set_config('flowkeep.audit', previous, true);
  if dropped = 0 then
    return 0;
  end if;
  delete from audit_anchors a where user_id = any (owners)
    and not exists (select from erased_audit_events e where e.user_id = a.user_id);
  delete from audit_heads h where user_id = any (owners)
    and not exists (select from erased_audit_events e where e.user_id = h.user_id);
  return dropped;
end $$;
