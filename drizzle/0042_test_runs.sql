CREATE TABLE "test_runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"workflow_id" uuid,
	"instance_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"status" text NOT NULL,
	"step" text,
	"error" text,
	"trigger" text NOT NULL,
	"request" jsonb NOT NULL,
	"n8n_workflow_id" text,
	"called_at" timestamp (3) with time zone,
	"nodes" jsonb,
	"duration_ms" integer,
	"lease_owner" uuid,
	"lease_until" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"removed_at" timestamp (3) with time zone,
	CONSTRAINT "test_runs_status_check" CHECK ("test_runs"."status" in ('running', 'passed', 'failed', 'error'))
);
--> statement-breakpoint
ALTER TABLE "test_runs" ADD CONSTRAINT "test_runs_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "test_runs" ADD CONSTRAINT "test_runs_workflow_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE set null ("workflow_id") ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "test_runs" ADD CONSTRAINT "test_runs_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "test_runs_user_id_workflow_id_idx" ON "test_runs" USING btree ("user_id","workflow_id","id");--> statement-breakpoint
CREATE INDEX "test_runs_user_id_instance_id_idx" ON "test_runs" USING btree ("user_id","instance_id");--> statement-breakpoint
CREATE INDEX "test_runs_lease_until_idx" ON "test_runs" USING btree ("lease_until") WHERE "test_runs"."removed_at" is null;--> statement-breakpoint
CREATE INDEX "test_runs_created_at_idx" ON "test_runs" USING btree ("created_at");