CREATE TABLE "credentials" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"service" text NOT NULL,
	"n8n_credential_type" text NOT NULL,
	"name" text NOT NULL,
	"credential_data" jsonb NOT NULL,
	"key_id" text GENERATED ALWAYS AS ((credential_data -> 'header' ->> 'kid')) STORED NOT NULL,
	"field_names" text[] NOT NULL,
	"known" boolean NOT NULL,
	"status" text DEFAULT 'untested' NOT NULL,
	"last_validated_at" timestamp (3) with time zone,
	"validation_error" text,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "credentials_user_id_id_key" UNIQUE("user_id","id"),
	CONSTRAINT "credentials_name_key" UNIQUE("user_id","n8n_credential_type","name"),
	CONSTRAINT "credentials_status_check" CHECK ("credentials"."status" in ('untested', 'valid', 'invalid'))
);
--> statement-breakpoint
CREATE TABLE "deployment_versions" (
	"deployment_id" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"user_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "deployment_versions_pkey" PRIMARY KEY("deployment_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "deployments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"n8n_workflow_id" text,
	"status" text NOT NULL,
	"step" text,
	"error" text,
	"bindings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "deployments_user_id_id_key" UNIQUE("user_id","id"),
	CONSTRAINT "deployments_n8n_workflow_key" UNIQUE("instance_id","n8n_workflow_id"),
	CONSTRAINT "deployments_status_check" CHECK ("deployments"."status" in ('pending', 'tracking', 'active', 'inactive', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "execution_keys" (
	"instance_id" uuid NOT NULL,
	"n8n_execution_id" text NOT NULL,
	"id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	"user_id" uuid NOT NULL,
	"status" text NOT NULL,
	"stamp" text NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"previous_status" text,
	"previous_started_at" timestamp (3) with time zone,
	"previous_finished_at" timestamp (3) with time zone,
	CONSTRAINT "execution_keys_pkey" PRIMARY KEY("instance_id","n8n_execution_id")
);
--> statement-breakpoint
CREATE TABLE "executions" (
	"id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	"user_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"workflow_id" uuid NOT NULL,
	"workflow_version" integer NOT NULL,
	"deployment_id" uuid NOT NULL,
	"n8n_execution_id" text NOT NULL,
	"status" text NOT NULL,
	"mode" text,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"error_message" text,
	"error_node" text,
	"error_stamp" text,
	"data" jsonb,
	"data_stamp" text,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "executions_pkey" PRIMARY KEY("id","recorded_at")
) PARTITION BY RANGE ("recorded_at");
--> statement-breakpoint
CREATE TABLE "dead_letters" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"code" text NOT NULL,
	"n8n_workflow_id" text,
	"n8n_execution_id" text,
	"body" text NOT NULL,
	"body_hash" text NOT NULL,
	"size_bytes" integer NOT NULL,
	"deliveries" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "dead_letters_body_key" UNIQUE("instance_id","body_hash")
);
--> statement-breakpoint
CREATE TABLE "instances" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"base_url" text NOT NULL,
	"api_key" jsonb NOT NULL,
	"key_id" text GENERATED ALWAYS AS ((api_key -> 'header' ->> 'kid')) STORED NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "instances_user_id_id_key" UNIQUE("user_id","id"),
	CONSTRAINT "instances_name_key" UNIQUE("user_id","name")
);
--> statement-breakpoint
CREATE TABLE "webhook_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"instance_id" uuid NOT NULL,
	"label" text NOT NULL,
	"hash" text NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "webhook_tokens_hash_key" UNIQUE("instance_id","hash")
);
--> statement-breakpoint
CREATE TABLE "audit_events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"action" text NOT NULL,
	"subject_id" uuid,
	"details" jsonb,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"user_id" uuid NOT NULL,
	"key" text NOT NULL,
	"route" text NOT NULL,
	"body_hash" text NOT NULL,
	"resource_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("user_id","key","route")
);
--> statement-breakpoint
CREATE TABLE "key_checks" (
	"key_id" text PRIMARY KEY NOT NULL,
	"sealed" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "login_throttles" (
	"bucket" text PRIMARY KEY NOT NULL,
	"failures" integer NOT NULL,
	"last_failed_at" timestamp (3) with time zone NOT NULL,
	"blocked_until" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"generation" integer DEFAULT 1 NOT NULL,
	"rotated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"name" text,
	"password_hash" text NOT NULL,
	"pepper_id" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "workflow_versions" (
	"workflow_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"user_id" uuid NOT NULL,
	"parent" integer,
	"name" text NOT NULL,
	"description" text,
	"prompt" text,
	"model" text,
	"tags" text[] NOT NULL,
	"node_count" integer NOT NULL,
	"node_types" text[] NOT NULL,
	"required_credential_types" text[] NOT NULL,
	"trigger_types" text[] NOT NULL,
	"webhook_paths" text[] NOT NULL,
	"workflow_data" jsonb NOT NULL,
	"content_hash" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "workflow_versions_pkey" PRIMARY KEY("workflow_id","version")
);
--> statement-breakpoint
CREATE TABLE "workflows" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"prompt" text,
	"model" text,
	"tags" text[] NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"node_count" integer NOT NULL,
	"node_types" text[] NOT NULL,
	"required_credential_types" text[] NOT NULL,
	"trigger_types" text[] NOT NULL,
	"webhook_paths" text[] NOT NULL,
	"warnings" jsonb NOT NULL,
	"workflow_data" jsonb NOT NULL,
	"content_hash" text NOT NULL,
	"search" "tsvector" GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, name || ' ' || coalesce(prompt, ''))) STORED NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "workflows_user_id_id_key" UNIQUE("user_id","id")
);
--> statement-breakpoint
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployment_versions" ADD CONSTRAINT "deployment_versions_deployment_fkey" FOREIGN KEY ("user_id","deployment_id") REFERENCES "public"."deployments"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_workflow_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dead_letters" ADD CONSTRAINT "dead_letters_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "instances" ADD CONSTRAINT "instances_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_tokens" ADD CONSTRAINT "webhook_tokens_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_events" ADD CONSTRAINT "audit_events_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflow_versions" ADD CONSTRAINT "workflow_versions_workflow_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workflows" ADD CONSTRAINT "workflows_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "credentials_user_id_service_idx" ON "credentials" USING btree ("user_id","service");--> statement-breakpoint
CREATE INDEX "credentials_key_id_idx" ON "credentials" USING btree ("key_id","id");--> statement-breakpoint
CREATE INDEX "deployment_versions_user_id_deployment_id_idx" ON "deployment_versions" USING btree ("user_id","deployment_id");--> statement-breakpoint
CREATE INDEX "deployments_user_id_workflow_id_idx" ON "deployments" USING btree ("user_id","workflow_id");--> statement-breakpoint
CREATE INDEX "deployments_user_id_instance_id_idx" ON "deployments" USING btree ("user_id","instance_id");--> statement-breakpoint
CREATE INDEX "execution_keys_recorded_at_idx" ON "execution_keys" USING brin ("recorded_at");--> statement-breakpoint
CREATE INDEX "execution_keys_user_id_idx" ON "execution_keys" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "executions_user_idx" ON "executions" USING btree ("user_id","recorded_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "executions_workflow_idx" ON "executions" USING btree ("workflow_id","recorded_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "executions_status_idx" ON "executions" USING btree ("user_id","status","recorded_at" DESC NULLS FIRST,"id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "dead_letters_user_id_id_idx" ON "dead_letters" USING btree ("user_id","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "dead_letters_workflow_idx" ON "dead_letters" USING btree ("instance_id","n8n_workflow_id");--> statement-breakpoint
CREATE INDEX "dead_letters_created_at_idx" ON "dead_letters" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "instances_key_id_idx" ON "instances" USING btree ("key_id","id");--> statement-breakpoint
CREATE INDEX "webhook_tokens_user_id_instance_id_idx" ON "webhook_tokens" USING btree ("user_id","instance_id");--> statement-breakpoint
CREATE INDEX "audit_events_user_id_id_idx" ON "audit_events" USING btree ("user_id","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "login_throttles_last_failed_at_idx" ON "login_throttles" USING btree ("last_failed_at");--> statement-breakpoint
CREATE INDEX "sessions_user_id_idx" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "sessions_expires_at_idx" ON "sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_key" ON "users" USING btree (lower("email")) WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "users_deleted_at_idx" ON "users" USING btree ("deleted_at") WHERE "users"."deleted_at" is not null;--> statement-breakpoint
CREATE INDEX "workflow_versions_user_id_workflow_id_idx" ON "workflow_versions" USING btree ("user_id","workflow_id");--> statement-breakpoint
CREATE INDEX "workflows_node_types_idx" ON "workflows" USING gin ("node_types");--> statement-breakpoint
CREATE INDEX "workflows_required_credential_types_idx" ON "workflows" USING gin ("required_credential_types");--> statement-breakpoint
CREATE INDEX "workflows_tags_idx" ON "workflows" USING gin ("tags");--> statement-breakpoint
CREATE INDEX "workflows_search_idx" ON "workflows" USING gin ("search");--> statement-breakpoint
CREATE INDEX "workflows_user_id_content_hash_idx" ON "workflows" USING btree ("user_id","content_hash");