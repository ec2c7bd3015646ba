CREATE TABLE "request_counts" (
	"user_id" uuid NOT NULL,
	"class" text NOT NULL,
	"minute" integer NOT NULL,
	"requests" integer NOT NULL,
	CONSTRAINT "request_counts_pkey" PRIMARY KEY("user_id","class")
);
--> statement-breakpoint
CREATE TABLE "workflow_sizes" (
	"workflow_id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"versions" integer NOT NULL,
	"bytes" bigint NOT NULL,
	"through" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "request_counts" ADD CONSTRAINT "request_counts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflow_sizes" ADD CONSTRAINT "workflow_sizes_workflow_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "workflow_sizes_user_id_idx" ON "workflow_sizes" USING btree ("user_id","bytes");
--> statement-breakpoint
set local check_function_bodies = off;
--> statement-breakpoint
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
--> statement-breakpoint
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
--> statement-breakpoint
-- Bytes of the owner's workflow versions and credentials, as they are stored.
create or replace function stored_bytes(owner uuid) returns bigint language sql stable as $$
  select (select coalesce(sum(bytes), 0) from workflow_sizes where user_id = owner)::bigint
    + (select coalesce(sum(pg_column_size(credential_data)), 0) from credentials where user_id = owner)
$$;

--> statement-breakpoint
insert into workflow_sizes (workflow_id, user_id, versions, bytes, through)
select workflow_id, user_id, count(*), sum(pg_column_size(workflow_data) + coalesce(pg_column_size(prompt), 0)
  + coalesce(pg_column_size(description), 0) + coalesce(pg_column_size(operations), 0)), max(version)
from workflow_versions group by workflow_id, user_id
on conflict do nothing;
