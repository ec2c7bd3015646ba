CREATE TABLE "remote_credentials" (
	"instance_id" uuid NOT NULL,
	"credential_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"n8n_credential_id" text NOT NULL,
	"fingerprint" text,
	"pushed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "remote_credentials_pkey" PRIMARY KEY("instance_id","credential_id"),
	CONSTRAINT "remote_credentials_n8n_key" UNIQUE("instance_id","n8n_credential_id")
);
--> statement-breakpoint
ALTER TABLE "deployments" DROP CONSTRAINT "deployments_status_check";--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "managed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "report_success" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "intent" jsonb;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "lease_owner" uuid;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "lease_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "deployed_hash" text;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "n8n_version_id" text;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "live_since" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "status" text DEFAULT 'untested' NOT NULL;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "status_detail" text;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "tested_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "n8n_version" text;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "capabilities" jsonb;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "reporter_workflow_id" text;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "reporter_credential_id" text;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "reporter_token_id" uuid;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "next_poll_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "poll_lease_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "poll_failures" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "last_polled_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "polled_through" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "workflows" ADD COLUMN "data_retention_days" integer;--> statement-breakpoint
ALTER TABLE "remote_credentials" ADD CONSTRAINT "remote_credentials_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "remote_credentials" ADD CONSTRAINT "remote_credentials_credential_fkey" FOREIGN KEY ("user_id","credential_id") REFERENCES "public"."credentials"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "remote_credentials_user_id_credential_id_idx" ON "remote_credentials" USING btree ("user_id","credential_id");--> statement-breakpoint
CREATE INDEX "deployments_lease_until_idx" ON "deployments" USING btree ("lease_until") WHERE "deployments"."intent" is not null;--> statement-breakpoint
CREATE INDEX "instances_next_poll_at_idx" ON "instances" USING btree ("next_poll_at");--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_status_check" CHECK ("deployments"."status" in ('pending', 'deploying', 'tracking', 'active', 'inactive', 'failed', 'undeployed'));--> statement-breakpoint
ALTER TABLE "instances" ADD CONSTRAINT "instances_status_check" CHECK ("instances"."status" in ('untested', 'ok', 'limited', 'unreachable', 'refused'));--> statement-breakpoint
-- Polls and tests of the connection are no changes that the owner made.
create or replace trigger instances_updated_at before update of name, base_url, api_key on instances
  for each row when (old.api_key is not distinct from new.api_key or old.version <> new.version)
  execute function set_updated_at();
--> statement-breakpoint
create or replace trigger deployments_updated_at
  before update of version, status, step, error, bindings, n8n_workflow_id, report_success on deployments
  for each row execute function set_updated_at();
