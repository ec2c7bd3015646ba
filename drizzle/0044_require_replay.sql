ALTER TABLE "test_runs" ADD COLUMN "replay_id" uuid;--> statement-breakpoint
ALTER TABLE "workflows" ADD COLUMN "require_replay" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "test_runs_replay_idx" ON "test_runs" USING btree ("user_id","replay_id","id") WHERE "test_runs"."replay_id" is not null;