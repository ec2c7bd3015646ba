ALTER TABLE "workflow_versions" ADD COLUMN "operations" jsonb;--> statement-breakpoint
ALTER TABLE "workflow_versions" ADD COLUMN "edits" text[];