CREATE TABLE "alert_channels" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"target" jsonb,
	"key_id" text GENERATED ALWAYS AS ((target -> 'header' ->> 'kid')) STORED,
	"host" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "alert_channels_user_id_id_key" UNIQUE("user_id","id"),
	CONSTRAINT "alert_channels_name_key" UNIQUE("user_id","name")
);
--> statement-breakpoint
CREATE TABLE "alert_deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"incident_id" uuid NOT NULL,
	"channel_id" uuid NOT NULL,
	"event" text NOT NULL,
	"state" text NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"next_attempt_at" timestamp (3) with time zone NOT NULL,
	"lease_until" timestamp (3) with time zone,
	"last_error" text,
	"delivered_at" timestamp (3) with time zone,
	CONSTRAINT "alert_deliveries_event_key" UNIQUE("incident_id","channel_id","event")
);
--> statement-breakpoint
CREATE TABLE "alert_incidents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"rule_id" uuid NOT NULL,
	"subject" text NOT NULL,
	"summary" text NOT NULL,
	"link" text NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"clear_since" timestamp (3) with time zone,
	"resolved_at" timestamp (3) with time zone,
	CONSTRAINT "alert_incidents_user_id_id_key" UNIQUE("user_id","id")
);
--> statement-breakpoint
CREATE TABLE "alert_rules" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"workflow_id" uuid,
	"instance_id" uuid,
	"credential_id" uuid,
	"parameters" jsonb NOT NULL,
	"channel_ids" uuid[] NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"muted_until" timestamp (3) with time zone,
	"version" integer DEFAULT 1 NOT NULL,
	"evaluated_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "alert_rules_user_id_id_key" UNIQUE("user_id","id")
);
--> statement-breakpoint
ALTER TABLE "alert_channels" ADD CONSTRAINT "alert_channels_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_deliveries" ADD CONSTRAINT "alert_deliveries_incident_fkey" FOREIGN KEY ("user_id","incident_id") REFERENCES "public"."alert_incidents"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_deliveries" ADD CONSTRAINT "alert_deliveries_channel_fkey" FOREIGN KEY ("user_id","channel_id") REFERENCES "public"."alert_channels"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_incidents" ADD CONSTRAINT "alert_incidents_rule_fkey" FOREIGN KEY ("user_id","rule_id") REFERENCES "public"."alert_rules"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_rules" ADD CONSTRAINT "alert_rules_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_rules" ADD CONSTRAINT "alert_rules_workflow_fkey" FOREIGN KEY ("user_id","workflow_id") REFERENCES "public"."workflows"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_rules" ADD CONSTRAINT "alert_rules_instance_fkey" FOREIGN KEY ("user_id","instance_id") REFERENCES "public"."instances"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert_rules" ADD CONSTRAINT "alert_rules_credential_fkey" FOREIGN KEY ("user_id","credential_id") REFERENCES "public"."credentials"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alert_channels_key_id_idx" ON "alert_channels" USING btree ("key_id","id");--> statement-breakpoint
CREATE INDEX "alert_deliveries_due_idx" ON "alert_deliveries" USING btree ("next_attempt_at") WHERE "alert_deliveries"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "alert_deliveries_user_idx" ON "alert_deliveries" USING btree ("user_id","id" DESC NULLS FIRST);--> statement-breakpoint
CREATE INDEX "alert_deliveries_incident_idx" ON "alert_deliveries" USING btree ("user_id","incident_id");--> statement-breakpoint
CREATE INDEX "alert_deliveries_channel_idx" ON "alert_deliveries" USING btree ("user_id","channel_id");--> statement-breakpoint
CREATE UNIQUE INDEX "alert_incidents_open_key" ON "alert_incidents" USING btree ("rule_id","subject") WHERE "alert_incidents"."resolved_at" is null;--> statement-breakpoint
CREATE INDEX "alert_incidents_subject_idx" ON "alert_incidents" USING btree ("user_id","rule_id","subject","opened_at");--> statement-breakpoint
CREATE INDEX "alert_incidents_resolved_at_idx" ON "alert_incidents" USING btree ("resolved_at");--> statement-breakpoint
CREATE INDEX "alert_rules_workflow_idx" ON "alert_rules" USING btree ("user_id","workflow_id");--> statement-breakpoint
CREATE INDEX "alert_rules_instance_idx" ON "alert_rules" USING btree ("user_id","instance_id");--> statement-breakpoint
CREATE INDEX "alert_rules_credential_idx" ON "alert_rules" USING btree ("user_id","credential_id");--> statement-breakpoint
CREATE INDEX "alert_rules_evaluated_at_idx" ON "alert_rules" USING btree ("evaluated_at" NULLS FIRST) WHERE "alert_rules"."enabled";
--> statement-breakpoint
set local check_function_bodies = off;
--> statement-breakpoint
-- Locks the owner and checks the quota, so that concurrent creations are checked one by one.
create or replace function claim_quota(owner uuid, entity text, quota integer) returns void language plpgsql as $$
declare
  used integer;
begin
  perform 1 from users where id = owner and deleted_at is null for no key update;
  if not found then
    raise exception 'no such account' using errcode = 'FK401';
  end if;
  if entity not in ('credentials', 'workflows', 'instances', 'deployments', 'alert_rules', 'alert_channels') then
    raise exception 'no quota for %', entity using errcode = '22023';
  end if;
  execute format('select count(*) from (select 1 from %I where user_id = $1 limit $2) counted', entity)
    into used using owner, quota;
  if used >= quota then
    raise exception 'quota exceeded' using errcode = 'FK403';
  end if;
end $$;
