-- Checks the quotas after a write of the owner, in its transaction. Takes a lock of the owner's, so that concurrent writes are
-- checked one by one: an advisory lock, because the write holds row locks already. First counts the versions of the workflow that are not counted yet; without one, it checks nothing.
create or replace function claim_storage(owner uuid, of_workflow uuid, version_quota integer, bytes_quota bigint)
returns void language plpgsql as $$
declare
  counted integer;
begin
  perform pg_advisory_xact_lock(hashtextextended(owner::text, 0));
  if of_workflow is not null then
    insert into workflow_sizes as s (workflow_id, user_id, versions, bytes, through)
    select v.workflow_id, owner, count(*), sum(pg_column_size(v.workflow_data) + coalesce(pg_column_size(v.prompt), 0)
      + coalesce(pg_column_size(v.description), 0) + coalesce(pg_column_size(v.operations), 0)), max(v.version)
    from workflow_versions v
    where v.user_id = owner and v.workflow_id = of_workflow
      and v.version > coalesce((select through from workflow_sizes where workflow_id = of_workflow), 0)
    group by v.workflow_id
    on conflict (workflow_id) do update set versions = s.versions + excluded.versions, bytes = s.bytes + excluded.bytes,
      through = excluded.through
    returning versions into counted;
    if counted is null then
      return;
    end if;
    if counted > version_quota then
      raise exception 'too many versions' using errcode = 'FK403', constraint = 'versions';
    end if;
  end if;
  if stored_bytes(owner) > bytes_quota then
    raise exception 'too many bytes' using errcode = 'FK403', constraint = 'stored_bytes';
  end if;
end $$;
