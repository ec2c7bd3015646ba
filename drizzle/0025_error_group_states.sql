CREATE TABLE "error_group_states" (
	"user_id" uuid NOT NULL,
	"fingerprint" text NOT NULL,
	"state" text NOT NULL,
	"fixed_workflow_id" uuid,
	"fixed_version" integer,
	"changed_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "error_group_states_pkey" PRIMARY KEY("user_id","fingerprint"),
	CONSTRAINT "error_group_states_state_check" CHECK ("error_group_states"."state" in ('resolved', 'ignored'))
);
--> statement-breakpoint
ALTER TABLE "error_group_states" ADD CONSTRAINT "error_group_states_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "error_group_states" ADD CONSTRAINT "error_group_states_workflow_fkey" FOREIGN KEY ("user_id","fixed_workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE set null ("fixed_workflow_id") ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "error_group_states_workflow_idx" ON "error_group_states" USING btree ("user_id","fixed_workflow_id") WHERE "error_group_states"."fixed_workflow_id" is not null;