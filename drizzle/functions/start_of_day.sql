create or replace function start_of_day(day integer) returns timestamptz language sql immutable parallel safe as $$
  select (date '2000-01-01' + day)::timestamp at time zone 'UTC'
$$;
