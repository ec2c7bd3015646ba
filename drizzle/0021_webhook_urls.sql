ALTER TABLE "deployments" ADD COLUMN "endpoints" text[];--> statement-breakpoint
alter table instances disable trigger instances_updated_at;
--> statement-breakpoint
-- The ways to write a loopback address have one key. Where several instances would get the same, those stay as they are.
with keys as (
  select id, user_id, regexp_replace(server_key, '^(https?://)(127\.0\.0\.1|\[::1\])(?=[:/]|$)', '\1localhost') as server_key
  from instances where server_key ~ '^https?://(127\.0\.0\.1|\[::1\]|localhost)([:/]|$)'
)
update instances i set server_key = k.server_key from keys k
where k.id = i.id and k.server_key <> i.server_key and not exists (
  select 1 from keys other where other.user_id = k.user_id and other.server_key = k.server_key and other.id <> k.id);
--> statement-breakpoint
alter table instances enable trigger instances_updated_at;
