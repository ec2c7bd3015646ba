-- The contribution of a change to the usage statistics.
create or replace function usage_of_change(change execution_changes) returns table (
  grain text, at timestamptz, model text, executions integer, calls bigint, input bigint, cached bigint, written bigint,
  output bigint, estimated bigint)
language sql stable parallel safe as $$
  select g.grain,
    date_bin(g.width, coalesce(change.started_at, change.finished_at, change.recorded_at), '2000-01-01Z'), u.model,
    change.sign::integer, change.sign * u.calls, change.sign * u.input, change.sign * u.cached,
    change.sign * u.written, change.sign * u.output, change.sign * u.estimated
  from usage_by_model(change.usage) u
  cross join (values ('hour', interval '1 hour'), ('day', '1 day')) g (grain, width)
  where change.usage is not null
$$;
