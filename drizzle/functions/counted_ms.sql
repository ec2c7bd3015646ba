-- The duration that counts in percentiles. Null while it is unknown how long a run that waited was active.
create or replace function counted_ms(started_at timestamptz, finished_at timestamptz, waited boolean, active_ms bigint)
returns bigint language sql immutable parallel safe as $$
  select case when waited then active_ms else run_ms(started_at, finished_at) end
$$;
