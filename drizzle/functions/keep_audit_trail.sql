-- Trigger before an account is deleted: its trail stays, without personal data.
create or replace function keep_audit_trail() returns trigger language plpgsql as $$
begin
  perform erase_audit_trail(old.id, true);
  if not exists (select from erased_audit_events where user_id = old.id) then
    delete from audit_heads where user_id = old.id;
    delete from audit_anchors where user_id = old.id;
  end if;
  return old;
end $$;
