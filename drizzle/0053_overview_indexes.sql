CREATE INDEX "deployment_versions_user_id_created_at_idx" ON "deployment_versions" USING btree ("user_id","created_at");--> statement-breakpoint
CREATE INDEX "deployments_user_id_status_idx" ON "deployments" USING btree ("user_id","status","id","instance_id");--> statement-breakpoint
CREATE INDEX "deployments_drifted_idx" ON "deployments" USING btree ("user_id","id") WHERE "deployments"."drifted_since" is not null;--> statement-breakpoint
-- Whether texts fit into an entry of an index, which Postgres limits to 2,704 bytes.
create or replace function fits_index(texts text[]) returns boolean language sql immutable parallel safe as $$
  select coalesce(sum(octet_length(each) + 8), 0) < 2000 from unnest(texts) each
$$;
--> statement-breakpoint
CREATE INDEX "workflows_required_by_idx" ON "workflows" USING btree ("user_id","required_credential_types") WHERE fits_index("workflows"."required_credential_types");--> statement-breakpoint
CREATE INDEX "workflows_many_required_idx" ON "workflows" USING btree ("user_id") WHERE not fits_index("workflows"."required_credential_types");