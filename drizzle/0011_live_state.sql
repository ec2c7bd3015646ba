ALTER TABLE "deployments" ADD COLUMN "settings_before" jsonb;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "reports_errors" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "calls" text[] DEFAULT '{}' NOT NULL;