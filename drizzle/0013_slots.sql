ALTER TABLE "deployments" ALTER COLUMN "bindings" SET DEFAULT '[]'::jsonb;--> statement-breakpoint
ALTER TABLE "deployment_versions" ADD COLUMN "bindings" jsonb;--> statement-breakpoint
-- `{ type: id | { n8nCredentialId } }` becomes one entry for each slot that the map filled. Of the enabled nodes these are:
-- those that name the type, in `credentials` or in the parameter that chooses it; those that choose their type by an
-- expression, which got every type; and nodes of the same kind that name no credential at all. n8n's own rule, which SQL
-- cannot repeat, may have asked for a type that no node names: then every node gets an entry, and those that no slot asks
-- for go with the next deployment. An intended version counts beside the deployed one: its bindings are in place already.
alter table deployments disable trigger deployments_updated_at;
--> statement-breakpoint
with nodes as (
  select distinct d.id, coalesce(nullif(node ->> 'name', ''), '#' || (place - 1)) as name, node ->> 'type' as kind,
    case jsonb_typeof(node -> 'credentials') when 'object' then node -> 'credentials' else '{}' end as credentials,
    ltrim(node -> 'parameters' ->> 'nodeCredentialType', '=') as chosen,
    ltrim(node -> 'parameters' ->> 'genericAuthType', '=') as generic,
    coalesce(node -> 'parameters' ->> 'nodeCredentialType' like '%{{%'
      or node -> 'parameters' ->> 'genericAuthType' like '%{{%', false) as chooses
  from deployments d
  join workflow_versions v on v.workflow_id = d.workflow_id
    and v.version in (d.version, (d.intent ->> 'version')::integer)
  cross join lateral jsonb_array_elements(
    case jsonb_typeof(v.workflow_data -> 'nodes') when 'array' then v.workflow_data -> 'nodes' else '[]' end
  ) with ordinality as each (node, place)
  where jsonb_typeof(d.bindings) = 'object' and d.bindings <> '{}' and jsonb_typeof(node) = 'object'
    and node -> 'disabled' is distinct from 'true'
), bound as (
  select d.id, b.key as type, b.value
  from deployments d cross join lateral jsonb_each(d.bindings) b
  where jsonb_typeof(d.bindings) = 'object'
), candidates as (
  select b.id, b.type, b.value, n.name, n.kind, n.chooses,
    n.credentials = '{}' and n.chosen is null and n.generic is null as is_bare,
    coalesce(n.credentials ? b.type or n.chosen = b.type or n.generic = b.type, false) as names_it
  from bound b join nodes n on n.id = b.id
), slots as (
  select distinct c.id, c.type, c.name, c.value
  from candidates c
  left join (select id, type, array_agg(kind) as kinds from candidates where names_it group by id, type) n
    on n.id = c.id and n.type = c.type
  where c.names_it or c.chooses or n.id is null or (c.is_bare and c.kind = any(n.kinds))
), entries as (
  select id, jsonb_agg(
    jsonb_build_object('node', name, 'type', type)
      || case jsonb_typeof(value) when 'string' then jsonb_build_object('credentialId', value) else value end
    order by name collate "C", type collate "C"
  ) as bindings
  from slots group by id
)
update deployments d set bindings = coalesce((select e.bindings from entries e where e.id = d.id), '[]'::jsonb)
where jsonb_typeof(d.bindings) = 'object';
--> statement-breakpoint
alter table deployments enable trigger deployments_updated_at;
--> statement-breakpoint
-- What is live now is known; what was live before it is not.
update deployment_versions h set bindings = d.bindings
from deployments d
where h.user_id = d.user_id and h.deployment_id = d.id and h.version = d.version and d.intent is null
  and h.sequence = (select max(l.sequence) from deployment_versions l where l.deployment_id = d.id);
