-- Trigger of audit_events: appends the event to the chain of its account. The row in audit_heads makes the events of one account
-- wait for each other. A restore and `flowkeep users move` insert events with their hash, which stays.
create or replace function chain_audit_event() returns trigger language plpgsql as $$
declare
  head audit_heads;
begin
  if new.hash is not null then
    return new;
  end if;
  select * into head from audit_heads where user_id = new.user_id for update;
  if not found then
    perform start_audit_chain(new.user_id);
    select * into head from audit_heads where user_id = new.user_id for update;
  end if;
  new.seq := head.seq + 1;
  new.salt := gen_random_uuid();
  new.hash := audit_hash(head.hash, new);
  update audit_heads set seq = new.seq, hash = new.hash where user_id = new.user_id;
  return new;
end $$;
