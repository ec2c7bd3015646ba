-- Chains the events of an account that has no chain yet, oldest first. Returns their number.
create or replace function start_audit_chain(owner uuid) returns integer language plpgsql as $$
declare
  event audit_events;
  last text := '';
  chained integer := 0;
begin
  insert into audit_heads (user_id) values (owner) on conflict do nothing;
  if not found then
    return 0;
  end if;
  for event in select * from audit_events where user_id = owner and hash is null order by created_at, id loop
    chained := chained + 1;
    event.seq := chained;
    event.salt := gen_random_uuid();
    last := audit_hash(last, event);
    update audit_events set seq = event.seq, salt = event.salt, hash = last where id = event.id;
  end loop;
  update audit_heads set seq = chained, hash = last where user_id = owner;
  return chained;
end $$;
