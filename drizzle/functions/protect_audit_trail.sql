-- Trigger of audit_events and erased_audit_events: nothing changes an event. Events older than 400 days may be deleted; the head
-- then has the hash of the last one. Others are deleted only by erase_audit_trail, drop_erased_audit_trails, a restore and
-- `flowkeep users move`.
create or replace function protect_audit_trail() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.hash is null then
      return new;
    end if;
  elsif tg_op = 'DELETE' then
    if current_setting('flowkeep.audit', true) = 'erase' or current_setting('flowkeep.move', true) = old.user_id::text then
      return old;
    end if;
    if old.created_at < now() - interval '400 days' then
      update audit_heads set dropped_seq = old.seq, dropped_hash = old.hash
      where user_id = old.user_id and dropped_seq < old.seq;
      return old;
    end if;
  end if;
  raise exception 'Audit events cannot be changed or deleted';
end $$;
