/** @module The usage of a credential: workflows that require its type, deployments bound to it, and their last run. */
import { and, desc, eq, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { credentials } from '../db/schema/credentials.ts'
import { deployments } from '../db/schema/deployments.ts'
import { workflows } from '../db/schema/workflows.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../n8n/reading/metadata.ts'
import type { CredentialUsage } from './contract.ts'

const maximumRows = 500
/** Parameters that select a credential are short. Longer ones, such as code or prompts, stay in the database. */
const maximumParameterBytes = 1024

/**
 * The properties of each node that decide which credentials it requires. The rule itself is not repeated in SQL.
 * A node's own `credentials` are not enough: a node without any may still require one.
 */
const nodeFacts = sql<Record<string, unknown>[]>`(
  select coalesce(jsonb_agg(jsonb_build_object(
    'name', node -> 'name',
    'type', node -> 'type',
    'typeVersion', node -> 'typeVersion',
    'disabled', node -> 'disabled',
    'credentials', node -> 'credentials',
    'parameters', (
      select coalesce(jsonb_object_agg(parameter.key, case
        when octet_length(parameter.value::text) <= ${sql.raw(String(maximumParameterBytes))} then parameter.value
        when jsonb_typeof(parameter.value) = 'string' then to_jsonb(left(parameter.value #>> '{}', 256))
      end), '{}'::jsonb)
      from jsonb_each(case jsonb_typeof(node -> 'parameters') when 'object' then node -> 'parameters' end) as parameter
    )
  ) order by place), '[]'::jsonb)
  from jsonb_array_elements(${workflows.data} -> 'nodes') with ordinality as nodes (node, place)
)`

/** The end (else the start) of the newest run that has either. The index lists the newest first. */
const lastRunAt = sql<string | null>`(
  select coalesce(run.finished_at, run.started_at)
  from executions run
  where run.workflow_id = ${deployments.workflowId} and run.deployment_id = ${deployments.id}
    and run.user_id = ${deployments.userId} and coalesce(run.finished_at, run.started_at) is not null
  order by coalesce(run.started_at, run.finished_at, run.recorded_at) desc, run.id desc limit 1
)`

/** Null when the user has no such credential. */
export async function findUsage(
  db: Db,
  catalogue: Catalogue,
  userId: string,
  id: string,
): Promise<CredentialUsage | null> {
  const owned = and(eq(credentials.userId, userId), eq(credentials.id, id))
  const [[credential], requiring, bound] = await db.read.batch([
    db.read.select({ type: credentials.type }).from(credentials).where(owned),
    db.read
      .select({ id: workflows.id, name: workflows.name, facts: nodeFacts })
      .from(workflows)
      .innerJoin(credentials, owned)
      .where(
        and(
          eq(workflows.userId, userId),
          sql`${workflows.requiredCredentialTypes} @> array[${credentials.type}]`,
        ),
      )
      .orderBy(desc(workflows.id))
      .limit(maximumRows),
    db.read
      .select({
        id: deployments.id,
        workflowId: deployments.workflowId,
        instanceId: deployments.instanceId,
        status: deployments.status,
        bindings: deployments.bindings,
        lastRunAt,
      })
      .from(deployments)
      .innerJoin(credentials, owned)
      .where(
        and(
          eq(deployments.userId, userId),
          sql`${deployments.bindings} @> jsonb_build_array(jsonb_build_object('credentialId', ${credentials.id}::text))`,
        ),
      )
      .orderBy(desc(deployments.id))
      .limit(maximumRows),
  ])
  if (!credential) return null
  const lastUses = bound.flatMap((each) => (each.lastRunAt === null ? [] : [Date.parse(each.lastRunAt)]))
  return {
    workflows: requiring.map(({ id, name, facts }) => {
      const { requirements } = extractMetadata({ nodes: facts }, catalogue)
      return { id, name, nodes: requirements.find(({ type }) => type === credential.type)?.nodes ?? [] }
    }),
    deployments: bound.map(({ id: deploymentId, workflowId, instanceId, status, bindings }) => ({
      id: deploymentId,
      workflowId,
      instanceId,
      status,
      nodes: bindings.flatMap((each) =>
        'credentialId' in each && each.credentialId === id ? [each.node] : [],
      ),
    })),
    lastUsedAt: lastUses.length === 0 ? null : new Date(Math.max(...lastUses)).toISOString(),
  }
}
