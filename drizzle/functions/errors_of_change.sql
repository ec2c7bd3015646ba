-- The contribution of a change to the error statistics. A run has an error only while it counts as failed.
create or replace function errors_of_change(change execution_changes) returns table (
  fingerprint text, grain text, at timestamptz, runs integer)
language sql stable parallel safe as $$
  select change.error_fingerprint, g.grain,
    date_bin(g.width, coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'),
    change.sign::integer
  from (values ('hour', interval '1 hour'), ('day', interval '1 day')) g (grain, width)
  where change.error_fingerprint is not null and change.status in ('error', 'crashed')
$$;
