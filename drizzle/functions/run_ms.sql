create or replace function run_ms(started_at timestamptz, finished_at timestamptz) returns bigint
language sql immutable parallel safe as $$
  select case when finished_at >= started_at then (date_part('epoch', finished_at - started_at) * 1000)::bigint end
$$;
