CREATE TABLE "audit_anchors" (
	"user_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"hash" text NOT NULL,
	"signed_at" timestamp (3) with time zone NOT NULL,
	"signature" text NOT NULL,
	CONSTRAINT "audit_anchors_pkey" PRIMARY KEY("user_id","seq")
);
--> statement-breakpoint
CREATE TABLE "audit_heads" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"seq" integer DEFAULT 0 NOT NULL,
	"hash" text DEFAULT '' NOT NULL,
	"dropped_seq" integer DEFAULT 0 NOT NULL,
	"dropped_hash" text DEFAULT '' NOT NULL,
	"signed_seq" integer DEFAULT 0 NOT NULL,
	"signed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "erased_audit_events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"seq" integer NOT NULL,
	"action" text NOT NULL,
	"subject_id" uuid,
	"actor" text,
	"token_id" uuid,
	"approval_id" uuid,
	"session_id" uuid,
	"request_id" uuid,
	"created_at" timestamp (3) with time zone NOT NULL,
	"digest" text NOT NULL,
	"hash" text NOT NULL,
	"erased_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "seq" integer;--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "salt" uuid;--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "hash" text;--> statement-breakpoint
CREATE UNIQUE INDEX "erased_audit_events_user_id_seq_key" ON "erased_audit_events" USING btree ("user_id","seq");--> statement-breakpoint
CREATE INDEX "erased_audit_events_erased_at_idx" ON "erased_audit_events" USING btree ("erased_at");--> statement-breakpoint
-- locks: one scan of a table of up to a few million small rows, whose new columns are empty
CREATE UNIQUE INDEX "audit_events_user_id_seq_key" ON "audit_events" USING btree ("user_id","seq");--> statement-breakpoint
-- locks: one scan of a table of up to a few million small rows, whose new columns are empty
CREATE INDEX "audit_events_unchained_idx" ON "audit_events" USING btree ("user_id") WHERE "audit_events"."hash" is null;
--> statement-breakpoint
set local check_function_bodies = off;
--> statement-breakpoint
-- SHA-256 of the part of an audit event that is erased with its account. The salt is erased too, so that the digest reveals
-- nothing. docs/audit.md and src/users/audit-chain.ts compute the same.
create or replace function audit_digest(event audit_events) returns text language sql stable parallel safe as $$
  select encode(sha256(convert_to(concat(event.salt, E'\n',
    jsonb_build_array(event.details, event.client_address, event.user_agent, event.token_name)), 'UTF8')), 'hex')
$$;
--> statement-breakpoint
-- SHA-256 of an audit event and of the hash of the event before it. docs/audit.md and src/users/audit-chain.ts compute the same.
create or replace function audit_hash(previous text, event audit_events) returns text language sql stable parallel safe as $$
  select encode(sha256(convert_to(array_to_string(array[
    previous, event.user_id::text, event.seq::text, event.id::text,
    to_char(event.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), event.action, event.subject_id::text,
    event.actor, event.token_id::text, event.approval_id::text, event.session_id::text, event.request_id::text,
    audit_digest(event)], E'\n', ''), 'UTF8')), 'hex')
$$;
--> statement-breakpoint
-- Trigger of audit_events: appends the event to the chain of its account. The row in audit_heads makes the events of one account
-- wait for each other. A restore and `flowkeep users move` insert events with their hash, which stays.
create or replace function chain_audit_event() returns trigger language plpgsql as $$
declare
  head audit_heads;
begin
  if new.hash is not null then
    return new;
  end if;
  select * into head from audit_heads where user_id = new.user_id for update;
  if not found then
    perform start_audit_chain(new.user_id);
    select * into head from audit_heads where user_id = new.user_id for update;
  end if;
  new.seq := head.seq + 1;
  new.salt := gen_random_uuid();
  new.hash := audit_hash(head.hash, new);
  update audit_heads set seq = new.seq, hash = new.hash where user_id = new.user_id;
  return new;
end $$;
--> statement-breakpoint
-- Deletes events of accounts that were deleted more than `days` days ago, at most max_rows. Returns their number.
create or replace function drop_erased_audit_trails(days integer, max_rows integer) returns integer
language plpgsql as $$
declare
  -- A setting of the function itself would require a superuser.
  previous text := coalesce(current_setting('flowkeep.audit', true), '');
  owners uuid[];
  dropped integer;
begin
  perform set_config('flowkeep.audit', 'erase', true);
  with gone as (
    delete from erased_audit_events where id = any (array(
      select id from erased_audit_events where erased_at < now() - make_interval(days => days) limit max_rows))
    returning user_id
  )
  select count(*), array_agg(distinct user_id) into dropped, owners from gone;
  perform set_config('flowkeep.audit', previous, true);
  if dropped = 0 then
    return 0;
  end if;
  delete from audit_anchors a where user_id = any (owners)
    and not exists (select from erased_audit_events e where e.user_id = a.user_id);
  delete from audit_heads h where user_id = any (owners)
    and not exists (select from erased_audit_events e where e.user_id = h.user_id);
  return dropped;
end $$;
--> statement-breakpoint
-- Moves at most max_rows events of an account to erased_audit_events, without details, client addresses, user agents and names
-- of tokens, or deletes them unless is_kept. Returns their number.
create or replace function erase_audit_trail(owner uuid, is_kept boolean, max_rows integer default null) returns integer
language plpgsql as $$
declare
  -- A setting of the function itself would require a superuser.
  previous text := coalesce(current_setting('flowkeep.audit', true), '');
  erased integer;
begin
  perform start_audit_chain(owner);
  perform set_config('flowkeep.audit', 'erase', true);
  with gone as (
    delete from audit_events where id = any (array(
      select id from audit_events where user_id = owner order by seq limit max_rows)) returning *
  ), kept as (
    insert into erased_audit_events (id, user_id, seq, action, subject_id, actor, token_id, approval_id, session_id, request_id,
      created_at, digest, hash)
    select id, user_id, seq, action, subject_id, actor, token_id, approval_id, session_id, request_id, created_at,
      audit_digest(gone::audit_events), hash from gone where is_kept
  )
  select count(*) into erased from gone;
  perform set_config('flowkeep.audit', previous, true);
  return erased;
end $$;
--> statement-breakpoint
-- Trigger before an account is deleted: its trail stays, without personal data.
create or replace function keep_audit_trail() returns trigger language plpgsql as $$
begin
  perform erase_audit_trail(old.id, true);
  if not exists (select from erased_audit_events where user_id = old.id) then
    delete from audit_heads where user_id = old.id;
    delete from audit_anchors where user_id = old.id;
  end if;
  return old;
end $$;
--> statement-breakpoint
-- Trigger of audit_events and erased_audit_events: nothing changes an event. Events older than 400 days may be deleted; the head
-- then has the hash of the last one. Others are deleted only by erase_audit_trail, drop_erased_audit_trails, a restore and
-- `flowkeep users move`.
create or replace function protect_audit_trail() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.hash is null then
      return new;
    end if;
  elsif tg_op = 'DELETE' then
    if current_setting('flowkeep.audit', true) = 'erase' or current_setting('flowkeep.move', true) = old.user_id::text then
      return old;
    end if;
    if old.created_at < now() - interval '400 days' then
      update audit_heads set dropped_seq = old.seq, dropped_hash = old.hash
      where user_id = old.user_id and dropped_seq < old.seq;
      return old;
    end if;
  end if;
  raise exception 'Audit events cannot be changed or deleted';
end $$;
--> statement-breakpoint
-- Chains the events of an account that has no chain yet, oldest first. Returns their number.
create or replace function start_audit_chain(owner uuid) returns integer language plpgsql as $$
declare
  event audit_events;
  last text := '';
  chained integer := 0;
begin
  insert into audit_heads (user_id) values (owner) on conflict do nothing;
  if not found then
    return 0;
  end if;
  for event in select * from audit_events where user_id = owner and hash is null order by created_at, id loop
    chained := chained + 1;
    event.seq := chained;
    event.salt := gen_random_uuid();
    last := audit_hash(last, event);
    update audit_events set seq = event.seq, salt = event.salt, hash = last where id = event.id;
  end loop;
  update audit_heads set seq = chained, hash = last where user_id = owner;
  return chained;
end $$;
--> statement-breakpoint
-- Chains the events that an earlier release stored, account by account, until max_events are chained. Returns their number.
create or replace function start_audit_chains(max_events integer) returns integer language plpgsql as $$
declare
  owner uuid;
  chained integer := 0;
  added integer;
begin
  while chained < max_events loop
    select user_id into owner from audit_events where hash is null order by user_id limit 1;
    exit when not found;
    added := start_audit_chain(owner);
    exit when added = 0;
    chained := chained + added;
  end loop;
  return chained;
end $$;
--> statement-breakpoint
create trigger audit_events_chain before insert on audit_events for each row execute function chain_audit_event();
--> statement-breakpoint
create trigger audit_events_protect before update or delete on audit_events for each row execute function protect_audit_trail();
--> statement-breakpoint
create trigger audit_events_protect_all before truncate on audit_events execute function protect_audit_trail();
--> statement-breakpoint
create trigger erased_audit_events_protect before update or delete on erased_audit_events for each row
  execute function protect_audit_trail();
--> statement-breakpoint
create trigger erased_audit_events_protect_all before truncate on erased_audit_events execute function protect_audit_trail();
--> statement-breakpoint
create trigger users_audit_trail before delete on users for each row execute function keep_audit_trail();
--> statement-breakpoint
-- Bounded: the scheduled job chains the rest, and the first new event of an account chains its earlier ones.
select start_audit_chains(50000);
