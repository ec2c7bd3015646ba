ALTER TABLE "deployments" ADD COLUMN "drift_checked_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "drifted_since" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "deployments_drift_idx" ON "deployments" USING btree ("drift_checked_at" NULLS FIRST) WHERE "deployments"."status" in ('tracking', 'active', 'inactive') and "deployments"."intent" is null;--> statement-breakpoint
-- What is known of drift ends with any change of what is deployed.
create function forget_drift() returns trigger language plpgsql as $$
begin
  new.drift_checked_at := null;
  new.drifted_since := null;
  return new;
end $$;
--> statement-breakpoint
create trigger deployments_drift before update on deployments
  for each row when ((old.version, old.status, old.intent, old.deployed_hash, old.n8n_workflow_id)
    is distinct from (new.version, new.status, new.intent, new.deployed_hash, new.n8n_workflow_id))
  execute function forget_drift();
--> statement-breakpoint
-- A look at n8n changes nothing of the deployment.
drop trigger deployments_updated_at on deployments;
--> statement-breakpoint
create trigger deployments_updated_at before update on deployments
  for each row when (to_jsonb(old) - 'drift_checked_at' - 'drifted_since'
    is distinct from to_jsonb(new) - 'drift_checked_at' - 'drifted_since')
  execute function set_updated_at();
