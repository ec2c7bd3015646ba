CREATE TABLE "api_token_secrets" (
	"hash" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"token_id" uuid NOT NULL,
	"valid_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "api_token_uses" (
	"token_id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"minute" integer DEFAULT 0 NOT NULL,
	"requests" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "api_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"scopes" text[] NOT NULL,
	"hint" text NOT NULL,
	"requests_per_minute" integer NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"rotated_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "api_tokens_user_id_id_key" UNIQUE("user_id","id"),
	CONSTRAINT "api_tokens_kind_check" CHECK ("api_tokens"."kind" in ('personal', 'service'))
);
--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "environment" text;--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "token_id" uuid;--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "token_name" text;--> statement-breakpoint
ALTER TABLE "api_token_secrets" ADD CONSTRAINT "api_token_secrets_token_fkey" FOREIGN KEY ("user_id","token_id") REFERENCES "public"."api_tokens"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_token_uses" ADD CONSTRAINT "api_token_uses_token_fkey" FOREIGN KEY ("user_id","token_id") REFERENCES "public"."api_tokens"("user_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_token_secrets_token_idx" ON "api_token_secrets" USING btree ("user_id","token_id");--> statement-breakpoint
CREATE INDEX "api_token_secrets_valid_until_idx" ON "api_token_secrets" USING btree ("valid_until");--> statement-breakpoint
CREATE INDEX "api_token_uses_token_idx" ON "api_token_uses" USING btree ("user_id","token_id");--> statement-breakpoint
CREATE INDEX "api_tokens_expires_at_idx" ON "api_tokens" USING btree ("expires_at");--> statement-breakpoint
ALTER TABLE "instances" ADD CONSTRAINT "instances_environment_check" CHECK ("instances"."environment" in ('production'));
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
  if entity not in ('credentials', 'workflows', 'instances', 'deployments', 'alert_rules', 'alert_channels', 'api_tokens') then
    raise exception 'no quota for %', entity using errcode = '22023';
  end if;
  execute format('select count(*) from (select 1 from %I where user_id = $1 limit $2) counted', entity)
    into used using owner, quota;
  if used >= quota then
    raise exception 'quota exceeded' using errcode = 'FK403';
  end if;
end $$;
