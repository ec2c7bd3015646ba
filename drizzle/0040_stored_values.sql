CREATE TABLE "execution_values" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"sealed" jsonb NOT NULL,
	"key_id" text GENERATED ALWAYS AS ((sealed -> 'header' ->> 'kid')) STORED,
	"stamp" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "value_storage" (
	"workflow_id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"retention_days" integer NOT NULL,
	"max_bytes" integer NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "value_storage_user_id_workflow_id_key" UNIQUE("user_id","workflow_id"),
	CONSTRAINT "value_storage_retention_days_check" CHECK ("value_storage"."retention_days" between 1 and 30)
);
--> statement-breakpoint
ALTER TABLE "execution_values" ADD CONSTRAINT "execution_values_storage_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."value_storage"("user_id","workflow_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "value_storage" ADD CONSTRAINT "value_storage_workflow_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "execution_values_workflow_idx" ON "execution_values" USING btree ("user_id","workflow_id","recorded_at","id");--> statement-breakpoint
CREATE INDEX "execution_values_key_id_idx" ON "execution_values" USING btree ("key_id","id");--> statement-breakpoint
CREATE INDEX "execution_values_expires_at_idx" ON "execution_values" USING btree ("expires_at");