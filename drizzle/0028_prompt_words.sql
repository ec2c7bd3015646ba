DROP INDEX "workflow_versions_prompt_words_idx";--> statement-breakpoint
ALTER TABLE "workflow_versions" ADD COLUMN "prompt_words" "tsvector" GENERATED ALWAYS AS (search_words(prompt, false)) STORED NOT NULL;--> statement-breakpoint
CREATE INDEX "workflow_versions_prompt_words_idx" ON "workflow_versions" USING gin ("prompt_words") WITH (fastupdate=off);