CREATE TABLE "otel_spans" (
	"user_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"part_key" text NOT NULL,
	"digest" text NOT NULL,
	"run_key" text,
	"spans" jsonb NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "otel_spans_pkey" PRIMARY KEY("instance_id","part_key","digest")
);
--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "otel_token_id" uuid;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "otel_previous" jsonb;--> statement-breakpoint
ALTER TABLE "otel_spans" ADD CONSTRAINT "otel_spans_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "otel_spans_run_key_idx" ON "otel_spans" USING btree ("instance_id","run_key") WHERE run_key is not null;--> statement-breakpoint
CREATE INDEX "otel_spans_user_id_instance_id_idx" ON "otel_spans" USING btree ("user_id","instance_id");--> statement-breakpoint
CREATE INDEX "otel_spans_expires_at_idx" ON "otel_spans" USING btree ("expires_at");