ALTER TABLE "sessions" ADD COLUMN "refresh_key_id" text;--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "access_key_id" text;