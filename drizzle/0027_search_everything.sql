ALTER TABLE "workflows" drop column "search";--> statement-breakpoint
ALTER TABLE "workflows" ADD COLUMN "search" "tsvector" GENERATED ALWAYS AS (workflow_words(name, description, coalesce(prompt, '') || ' ' || left(jsonb_path_query_array(workflow_data, '$.nodes[*].name')::text, 10000), node_types)) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "workflow_versions_prompt_words_idx" ON "workflow_versions" USING gin (search_words("prompt", false)) WITH (fastupdate=off) WHERE "workflow_versions"."prompt" is not null;--> statement-breakpoint
CREATE INDEX "workflows_search_idx" ON "workflows" USING gin ("search") WITH (fastupdate=off);
