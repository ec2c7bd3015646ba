-- Converts a number in a report to a count. Null if it is not a number.
create or replace function count_of(value jsonb, largest integer) returns integer language sql immutable parallel safe as $$
  select case when jsonb_typeof(value) = 'number' then least(greatest(trunc(value::numeric), 0), largest)::integer end
$$;
