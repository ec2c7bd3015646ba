CREATE TABLE "environments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"is_production" boolean DEFAULT false NOT NULL,
	"variables" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"credentials" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "environments_user_id_id_key" UNIQUE("user_id","id"),
	CONSTRAINT "environments_name_key" UNIQUE("user_id","name"),
	CONSTRAINT "environments_production_check" CHECK ("environments"."name" <> 'production' or "environments"."is_production")
);
--> statement-breakpoint
-- Any environment of the user is valid, which a foreign key checks instead.
ALTER TABLE "instances" DROP CONSTRAINT "instances_environment_check";--> statement-breakpoint
ALTER TABLE "deployments" ADD COLUMN "variables" jsonb;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "variables" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "instances" ADD COLUMN "credentials" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "environments" ADD CONSTRAINT "environments_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
-- A UUID of version 7, for rows that the application does not create.
create or replace function uuid_v7() returns uuid language sql volatile parallel safe as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid()) placing
        substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid
$$;
--> statement-breakpoint
insert into environments (id, user_id, name, is_production)
select uuid_v7(), user_id, 'production', true
from (select distinct user_id from instances where environment = 'production') owners;
--> statement-breakpoint
ALTER TABLE "instances" ADD CONSTRAINT "instances_environment_fkey" FOREIGN KEY ("user_id","environment") REFERENCES "public"."environments"("user_id","name") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
CREATE INDEX "instances_environment_idx" ON "instances" USING btree ("user_id","environment");
--> statement-breakpoint
-- Creates the environment `production` of a user before the first instance is added to it.
create or replace function ensure_production() returns trigger language plpgsql as $$
begin
  insert into environments (id, user_id, name, is_production)
  values (uuid_v7(), new.user_id, 'production', true)
  on conflict on constraint environments_name_key do nothing;
  return new;
end $$;
--> statement-breakpoint
create trigger instances_production before insert or update of environment on instances
  for each row when (new.environment = 'production') execute function ensure_production();
--> statement-breakpoint
create trigger environments_updated_at before update on environments
  for each row execute function set_updated_at();
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
  if entity not in ('credentials', 'workflows', 'instances', 'deployments', 'alert_rules', 'alert_channels', 'api_tokens', 'environments') then
    raise exception 'no quota for %', entity using errcode = '22023';
  end if;
  execute format('select count(*) from (select 1 from %I where user_id = $1 limit $2) counted', entity)
    into used using owner, quota;
  if used >= quota then
    raise exception 'quota exceeded' using errcode = 'FK403';
  end if;
end $$;
