CREATE TABLE "approvals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"token_id" uuid NOT NULL,
	"token_name" text NOT NULL,
	"agent" text,
	"kind" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"summary" text NOT NULL,
	"request" jsonb NOT NULL,
	"details" jsonb NOT NULL,
	"scopes" text[] NOT NULL,
	"request_hash" text NOT NULL,
	"hash" text NOT NULL,
	"plan_hash" text,
	"status" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"decided_at" timestamp (3) with time zone,
	"session_id" uuid,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "approvals_status_check" CHECK ("approvals"."status" in ('pending', 'approved', 'denied', 'used', 'expired'))
);
--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "approvals_open_key" ON "approvals" USING btree ("user_id","token_id","hash") WHERE "approvals"."status" in ('pending', 'approved');--> statement-breakpoint
CREATE INDEX "approvals_user_id_id_idx" ON "approvals" USING btree ("user_id","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "approvals_created_at_idx" ON "approvals" USING btree ("created_at");