ALTER TABLE "deployments" ADD COLUMN "clean_up_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "deployments_clean_up_at_idx" ON "deployments" USING btree ("clean_up_at") WHERE "deployments"."clean_up_at" is not null;--> statement-breakpoint
create or replace trigger deployments_updated_at before update on deployments
for each row when (
  to_jsonb(old) - array['drift_checked_at', 'drifted_since', 'clean_up_at']
    is distinct from to_jsonb(new) - array['drift_checked_at', 'drifted_since', 'clean_up_at']
)
execute function set_updated_at();
