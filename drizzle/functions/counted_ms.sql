-- The duration for percentiles. Null while the active time of a run that waited is unknown.
create or replace function counted_ms(started_at timestamptz, finished_at timestamptz, waited boolean, active_ms bigint)
returns bigint language sql immutable parallel safe as $$
  select case when waited then active_ms else run_ms(started_at, finished_at) end
$$;
