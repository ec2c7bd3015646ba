-- Backfills the next max_rows executions recorded before runs had kinds, newest first: the version from the history, the
-- kind from n8n's mode. Returns the number of rows read; 0 when complete, or while another session does it.
create or replace function backfill_executions(max_rows integer default 1000) returns integer language plpgsql as $$
declare
  before uuid;
  chunk record;
  chosen record;
begin
  select before_id into before from execution_backfill for update skip locked;
  if before is null then
    return 0;
  end if;
  select array_agg(e.id) as ids, array_agg(e.recorded_at) as times, array_agg(distinct e.instance_id) as instances,
    (array_agg(e.id order by e.id))[1] as oldest, count(*)::integer as size
  into chunk
  from (select id, recorded_at, instance_id from executions where id < before order by id desc limit max_rows) e;
  perform pg_advisory_xact_lock(hashtextextended(i.id::text, 0)) from unnest(chunk.instances) i (id);
  select array_agg(e.id) as ids, array_agg(e.recorded_at) as times,
    array_agg(case when e.workflow_version_source = 'time' then h.version end) as versions,
    array_agg(case when e.retry_of is null and e.kind <> 'superseded' then run_kind(e.mode) end) as kinds
  into chosen
  from unnest(chunk.ids, chunk.times) c (id, recorded_at)
  join executions e on e.id = c.id and e.recorded_at = c.recorded_at
  left join lateral (
    select h.version from deployment_versions h
    where h.deployment_id = e.deployment_id
      and (h.created_at <= coalesce(e.started_at, e.finished_at, e.recorded_at) or h.sequence = 1)
    order by h.sequence desc limit 1
  ) h on true;
  perform move_executions(chosen.ids, chosen.times, chosen.versions, null, chosen.kinds);
  if chunk.size < max_rows then
    delete from execution_backfill;
  else
    update execution_backfill set before_id = chunk.oldest;
  end if;
  return chunk.size;
end $$;
