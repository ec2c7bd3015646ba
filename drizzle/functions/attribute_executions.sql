-- Assigns the version to at most max_rows runs of an n8n version that was added to the history. Returns their number.
create or replace function attribute_executions(of_deployment uuid, of_n8n_version text, max_rows integer default 1000)
returns integer language plpgsql as $$
declare
  known integer;
  chosen record;
begin
  perform pg_advisory_xact_lock(hashtextextended(d.instance_id::text, 0)) from deployments d where d.id = of_deployment;
  select h.version into known from deployment_versions h
  where h.deployment_id = of_deployment and h.n8n_version_id = of_n8n_version
  order by h.sequence desc limit 1;
  if known is null then
    return 0;
  end if;
  select array_agg(e.id) as ids, array_agg(e.recorded_at) as times, array_agg(known) as versions,
    array_agg('n8n'::text) as sources
  into chosen
  from (
    select id, recorded_at from executions
    where deployment_id = of_deployment and n8n_workflow_version_id = of_n8n_version and workflow_version_source = 'time'
    limit max_rows
  ) e;
  return move_executions(chosen.ids, chosen.times, chosen.versions, chosen.sources, null);
end $$;
