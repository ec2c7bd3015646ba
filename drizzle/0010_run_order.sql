DROP INDEX "executions_happened_idx";--> statement-breakpoint
DROP INDEX "executions_user_idx";--> statement-breakpoint
DROP INDEX "executions_workflow_idx";--> statement-breakpoint
DROP INDEX "executions_status_idx";--> statement-breakpoint
DROP INDEX "executions_error_idx";--> statement-breakpoint
CREATE INDEX "executions_user_idx" ON "executions" USING btree ("user_id",coalesce("started_at", "finished_at", "recorded_at") desc,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "executions_workflow_idx" ON "executions" USING btree ("workflow_id",coalesce("started_at", "finished_at", "recorded_at") desc,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "executions_status_idx" ON "executions" USING btree ("user_id","status",coalesce("started_at", "finished_at", "recorded_at") desc,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "executions_error_idx" ON "executions" USING btree ("user_id","error_fingerprint",coalesce("started_at", "finished_at", "recorded_at") desc,"id" DESC NULLS FIRST) WHERE "executions"."error_fingerprint" is not null;