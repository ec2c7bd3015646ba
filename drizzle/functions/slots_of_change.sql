-- The contribution of a change to the run statistics. Views and rollups share the functions `…_of_change`, which are
-- inlined. A run counts at its start, else at its end, else at the time of recording.
create or replace function slots_of_change(change execution_changes) returns table (
  slot timestamptz, "new" integer, running integer, waiting integer, success integer, error integer, canceled integer,
  crashed integer, "unknown" integer, bucket smallint)
language sql stable parallel safe as $$
  select date_bin('10 minutes', coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'),
    case change.status when 'new' then change.sign else 0 end::integer,
    case change.status when 'running' then change.sign else 0 end::integer,
    case change.status when 'waiting' then change.sign else 0 end::integer,
    case change.status when 'success' then change.sign else 0 end::integer,
    case change.status when 'error' then change.sign else 0 end::integer,
    case change.status when 'canceled' then change.sign else 0 end::integer,
    case change.status when 'crashed' then change.sign else 0 end::integer,
    case change.status when 'unknown' then change.sign else 0 end::integer,
    duration_bucket(change.duration_ms)
$$;
