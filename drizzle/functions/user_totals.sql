-- A user's totals in ranges, with pending changes. A null bound does not limit. Finds each time from the one before, so that
-- the rows of the user's deployments between two times are not read. The totals are the first rows of their time.
create or replace function user_totals(of_user uuid, grains text[], starts timestamptz[], ends timestamptz[])
returns table (grain text, at timestamptz, kind text, "new" integer, running integer, waiting integer, success integer,
  error integer, canceled integer, crashed integer, "unknown" integer, durations numeric)
language plpgsql stable parallel safe
set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
  zeros constant uuid := '00000000-0000-0000-0000-000000000000';
begin
  return query
    with recursive ranges as (
      select grain, coalesce(starts, '-infinity') as starts, coalesce(ends, 'infinity') as ends
      from unnest(grains, starts, ends) given (grain, starts, ends)
    ), found as (
      select r.grain, r.ends, (
          select s.at from execution_stats s
          where s.user_id = of_user and s.grain = r.grain and s.at >= r.starts and s.at < r.ends
          order by s.at limit 1) as at
      from ranges r
      union
      select f.grain, f.ends, (
          select s.at from execution_stats s
          where s.user_id = of_user and s.grain = f.grain and s.at > f.at and s.at < f.ends
          order by s.at limit 1)
      from found f where f.at is not null
    )
    select s.* from (select distinct grain, at from found) f
    cross join lateral (
      select f.grain, f.at, s.kind, s."new", s.running, s.waiting, s.success, s.error, s.canceled, s.crashed, s."unknown",
        s.durations
      from execution_stats s
      where s.user_id = of_user and s.grain = f.grain and s.at = f.at and s.workflow_id = zeros and s.deployment_id = zeros
        and s.recorded_month >= (select month from execution_horizon)
      offset 0
    ) s
    union all
    select o.grain, o.at, c.kind, s."new", s.running, s.waiting, s.success, s.error, s.canceled, s.crashed, s."unknown",
      coalesce(c.sign * duration_histogram(s.bucket), 0)
    from execution_changes c
    cross join lateral slots_of_change(row(c.*)::execution_changes) s
    cross join lateral (values
      ('10min', s.slot), ('hour', date_bin('1 hour', s.slot, '2000-01-01Z')), ('day', date_bin('1 day', s.slot, '2000-01-01Z'))
    ) o (grain, at)
    where c.user_id = of_user and c.recorded_at >= (select month::timestamp at time zone 'UTC' from execution_horizon)
      and exists (select from ranges r where r.grain = o.grain and o.at >= r.starts and o.at < r.ends);
end $$;
