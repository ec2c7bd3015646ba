-- The usage of one run by model, written by `src/executions/record/usage.ts`. An unknown model is empty.
create or replace function usage_by_model(usage jsonb) returns table (
  model text, calls bigint, input bigint, cached bigint, written bigint, output bigint, estimated bigint)
language sql immutable parallel safe as $$
  select coalesce(u.model, ''), sum(u.calls)::bigint, sum(u.input)::bigint, coalesce(sum(u.cached), 0)::bigint,
    coalesce(sum(u.written), 0)::bigint, sum(u.output)::bigint, coalesce(sum(u.estimated), 0)::bigint
  from jsonb_to_recordset(usage) u (model text, calls bigint, input bigint, cached bigint, written bigint, output bigint,
    estimated bigint)
  group by 1
$$;
