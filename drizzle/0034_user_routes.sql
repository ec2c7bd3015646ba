CREATE TABLE "user_routes" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"email" text NOT NULL,
	"url" text,
	"instance_ids" uuid[] DEFAULT '{}'::uuid[] NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"moved_at" timestamp (3) with time zone,
	CONSTRAINT "user_routes_state_check" CHECK ("user_routes"."state" in ('leaving', 'arriving', 'moved'))
);
--> statement-breakpoint
CREATE INDEX "user_routes_email_idx" ON "user_routes" USING btree (lower("email"));--> statement-breakpoint
CREATE INDEX "user_routes_instance_ids_idx" ON "user_routes" USING gin ("instance_ids");
--> statement-breakpoint
set local check_function_bodies = off;
--> statement-breakpoint
-- Trigger of `flowkeep users move` on the rows of one user, while they are copied. Inserts fail, and so do changes if the
-- argument is 'refuse'; with 'skip' they have no effect, so that statements over the rows of all users continue.
create or replace function refuse_user_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or tg_argv[0] = 'refuse' then
    raise exception 'the account is being moved' using errcode = 'FK503';
  end if;
  return null;
end $$;
