-- Chains the events that an earlier release stored, account by account, until max_events are chained. Returns their number.
create or replace function start_audit_chains(max_events integer) returns integer language plpgsql as $$
declare
  owner uuid;
  chained integer := 0;
  added integer;
begin
  while chained < max_events loop
    select user_id into owner from audit_events where hash is null order by user_id limit 1;
    exit when not found;
    added := start_audit_chain(owner);
    exit when added = 0;
    chained := chained + added;
  end loop;
  return chained;
end $$;
