-- Deletes the oldest versions of a workflow, at most 1,000, and returns their numbers; null if the owner has no such workflow.
-- Keeps the newest ones, and every version that is or was deployed, that a release, a test or a fixed error names, or that a
-- run is attributed to.
create or replace function compact_versions(owner uuid, of_workflow uuid, keep integer) returns integer[]
language plpgsql as $$
declare
  removed record;
begin
  perform 1 from workflows where id = of_workflow and user_id = owner for no key update;
  if not found then
    return null;
  end if;
  perform 1 from users where id = owner for no key update;
  with used as (
    select version from deployments where user_id = owner and workflow_id = of_workflow
    union select h.version from deployments d join deployment_versions h on h.deployment_id = d.id
      where d.user_id = owner and d.workflow_id = of_workflow
    union select version from release_targets where user_id = owner and workflow_id = of_workflow
    union select version from test_runs where user_id = owner and workflow_id = of_workflow
    union select fixed_version from error_group_states where user_id = owner and fixed_workflow_id = of_workflow
    -- Every run is in the rollups, or in the pending changes.
    union select workflow_version from execution_stats
      where user_id = owner and grain = 'day' and workflow_id = of_workflow
    union select workflow_version from execution_changes where user_id = owner and workflow_id = of_workflow
  ), old as (
    select version from (
      select version from workflow_versions where user_id = owner and workflow_id = of_workflow
      order by version desc offset greatest(keep, 1)
    ) older
    where not exists (select from used where used.version = older.version)
    order by version limit 1000
  ), deleted as (
    delete from workflow_versions v using old
    where v.user_id = owner and v.workflow_id = of_workflow and v.version = old.version
    returning v.version, pg_column_size(v.workflow_data) + coalesce(pg_column_size(v.prompt), 0)
      + coalesce(pg_column_size(v.description), 0) + coalesce(pg_column_size(v.operations), 0) as bytes
  )
  select coalesce(array_agg(version order by version), '{}') as versions, count(*)::integer as number,
    coalesce(sum(bytes), 0)::bigint as bytes
  into removed
  from deleted;
  update workflow_sizes set versions = versions - removed.number, bytes = greatest(bytes - removed.bytes, 0)
  where workflow_id = of_workflow and removed.number > 0;
  return removed.versions;
end $$;
