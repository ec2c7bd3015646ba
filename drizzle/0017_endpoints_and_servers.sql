ALTER TABLE "instances" ADD COLUMN "server_key" text;--> statement-breakpoint
ALTER TABLE "workflow_versions" ADD COLUMN "endpoints" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "workflows" ADD COLUMN "endpoints" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "instances" ADD CONSTRAINT "instances_server_key" UNIQUE("user_id","server_key");--> statement-breakpoint
alter table workflows disable trigger workflows_updated_at;
--> statement-breakpoint
-- The paths stand behind the endpoint of n8n that serves them: form triggers (from version 2 on) and MCP triggers have their own.
update workflow_versions w set endpoints = array(
  select distinct coalesce((
    select case when node ->> 'type' = 'n8n-nodes-base.formTrigger' then 'form/' else 'mcp/' end
    from jsonb_array_elements(case jsonb_typeof(w.workflow_data -> 'nodes') when 'array' then w.workflow_data -> 'nodes' end) node
    cross join lateral (select trim(both '/' from node -> 'parameters' ->> 'path') as given) p
    where node -> 'disabled' is distinct from 'true'::jsonb and (
      (node ->> 'type' = 'n8n-nodes-base.formTrigger' and node ->> 'typeVersion' is distinct from '1' and path in (
        p.given, trim(both '/' from node #>> '{parameters,options,path}'), node ->> 'webhookId'))
      or (node ->> 'type' = '@n8n/n8n-nodes-langchain.mcpTrigger' and path in (p.given, p.given || '/sse', p.given || '/messages')))
    limit 1), 'webhook/') || path as endpoint
  from unnest(w.webhook_paths) path order by endpoint)
where w.webhook_paths <> '{}';
--> statement-breakpoint
update workflows w set endpoints = array(
  select distinct coalesce((
    select case when node ->> 'type' = 'n8n-nodes-base.formTrigger' then 'form/' else 'mcp/' end
    from jsonb_array_elements(case jsonb_typeof(w.workflow_data -> 'nodes') when 'array' then w.workflow_data -> 'nodes' end) node
    cross join lateral (select trim(both '/' from node -> 'parameters' ->> 'path') as given) p
    where node -> 'disabled' is distinct from 'true'::jsonb and (
      (node ->> 'type' = 'n8n-nodes-base.formTrigger' and node ->> 'typeVersion' is distinct from '1' and path in (
        p.given, trim(both '/' from node #>> '{parameters,options,path}'), node ->> 'webhookId'))
      or (node ->> 'type' = '@n8n/n8n-nodes-langchain.mcpTrigger' and path in (p.given, p.given || '/sse', p.given || '/messages')))
    limit 1), 'webhook/') || path as endpoint
  from unnest(w.webhook_paths) path order by endpoint)
where w.webhook_paths <> '{}';
--> statement-breakpoint
alter table workflows enable trigger workflows_updated_at;
--> statement-breakpoint
alter table instances disable trigger instances_updated_at;
--> statement-breakpoint
-- A URL that was copied from the address bar or the API's documentation stands for its server. The key stays bound to the origin.
update instances set base_url = regexp_replace(base_url,
  '/(api/v[0-9]+|rest|home/[a-z-]+|projects/[A-Za-z0-9_-]+|workflows?/[A-Za-z0-9_-]+|executions/[A-Za-z0-9_-]+|settings/[a-z-]+'
  || '|(workflows|credentials|executions|signin|signup|setup|forgot-password|insights|personal|templates)/*$)(/.*)?$', '');
--> statement-breakpoint
-- Of servers that were added more than once, the first has the key; the others stay as they are.
update instances i set server_key = i.base_url where not exists (
  select 1 from instances earlier
  where earlier.user_id = i.user_id and earlier.base_url = i.base_url
    and (earlier.created_at, earlier.id) < (i.created_at, i.id));
--> statement-breakpoint
alter table instances enable trigger instances_updated_at;
