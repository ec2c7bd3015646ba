-- Whether a delivered merge key, or another value of which the greater wins, replaces the stored one.
create or replace function is_newer(delivered text, kept text) returns boolean language sql immutable parallel safe as $$
  select delivered is not null and (kept is null or delivered collate "C" > kept collate "C")
$$;
