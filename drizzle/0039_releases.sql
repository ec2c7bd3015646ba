CREATE TABLE "release_targets" (
	"release_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"user_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"is_canary" boolean NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"active" boolean NOT NULL,
	"plan" jsonb,
	"plan_hash" text,
	"before" jsonb,
	"after" jsonb,
	"deployment_id" uuid,
	"error" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"lease_owner" uuid,
	"lease_until" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "release_targets_pkey" PRIMARY KEY("release_id","position"),
	CONSTRAINT "release_targets_status_check" CHECK ("release_targets"."status" in ('pending', 'deploying', 'deployed', 'unchanged', 'failed', 'rolling-back', 'rolled-back',
        'rollback-failed', 'kept'))
);
--> statement-breakpoint
CREATE TABLE "releases" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"status" text NOT NULL,
	"phase" text DEFAULT 'canary' NOT NULL,
	"auto_start" boolean NOT NULL,
	"workflows" jsonb NOT NULL,
	"from_environment" text,
	"to_environment" text,
	"canary" integer NOT NULL,
	"observe_seconds" integer NOT NULL,
	"observe_min_runs" integer NOT NULL,
	"max_failure_rate" double precision NOT NULL,
	"max_failed_targets" integer NOT NULL,
	"concurrency" integer NOT NULL,
	"reason" text,
	"plan_hash" text,
	"token_id" uuid,
	"token_name" text,
	"scopes" text[],
	"observed_from" timestamp (3) with time zone,
	"worked_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "releases_user_id_id_key" UNIQUE("user_id","id"),
	CONSTRAINT "releases_status_check" CHECK ("releases"."status" in ('planning', 'planned', 'running', 'halted', 'completed', 'rolling-back', 'rolled-back')),
	CONSTRAINT "releases_phase_check" CHECK ("releases"."phase" in ('canary', 'observing', 'rest'))
);
--> statement-breakpoint
ALTER TABLE "release_targets" ADD CONSTRAINT "release_targets_release_fkey" FOREIGN KEY ("user_id","release_id") REFERENCES "public"."releases"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "release_targets" ADD CONSTRAINT "release_targets_workflow_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "release_targets" ADD CONSTRAINT "release_targets_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "release_targets_active_key" ON "release_targets" USING btree ("instance_id","workflow_id") WHERE "release_targets"."active";--> statement-breakpoint
CREATE INDEX "release_targets_release_idx" ON "release_targets" USING btree ("user_id","release_id");--> statement-breakpoint
CREATE INDEX "release_targets_workflow_idx" ON "release_targets" USING btree ("user_id","workflow_id");--> statement-breakpoint
CREATE INDEX "release_targets_instance_idx" ON "release_targets" USING btree ("user_id","instance_id");--> statement-breakpoint
CREATE INDEX "releases_due_idx" ON "releases" USING btree ("worked_at" NULLS FIRST) WHERE "releases"."status" in ('planning', 'running', 'rolling-back');