/** @module The HTTP shapes of workflows. */
import { isContainer } from '../lib/json-object.ts'
import { IdParam, trimmedText } from '../lib/scalars.ts'
import * as z from 'zod'
import { asBoolean, asInteger } from '../http/openapi.ts'
import { versionAuthors } from '../db/schema/workflows.ts'
import { findingLevels } from '../n8n/checks/finding.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { readinessStates } from './readiness-queries.ts'

export const nameLimit = 200
const tagLimit = 50

const canContainWorkflow = (value: unknown): boolean =>
  Array.isArray(value) || typeof value === 'string' ? value.length > 0 : isContainer(value)

export const N8nJson = z
  .unknown()
  .refine(
    canContainWorkflow,
    'An n8n workflow: a JSON object with nodes and connections, or text that contains one',
  )
  .meta({
    anyOf: [{ type: 'object', additionalProperties: true }, { type: 'array', items: {} }, { type: 'string' }],
    description:
      'n8n workflow JSON. Also accepted: an export wrapper (`{ "data": … }`, an array of one), or text ' +
      'that contains the JSON, such as the response of an LLM with a code fence',
  })

const Name = z.string().trim().min(1, 'Must not be empty').max(nameLimit, `At most ${nameLimit} characters`)

const Tags = z
  .array(z.string().trim().min(1, 'Must not be empty').max(64, 'At most 64 characters'))
  .max(tagLimit, `At most ${tagLimit} tags`)
  .transform((tags) => [...new Set(tags)].toSorted())
  .meta({ description: 'Trimmed, sorted and deduplicated' })

export const described = {
  name: Name.optional(),
  description: z.string().max(10_000, 'At most 10,000 characters').nullable().optional(),
  prompt: z
    .string()
    .max(100_000, 'At most 100,000 characters')
    .nullable()
    .optional()
    .meta({ description: 'The prompt that the workflow was generated from' }),
  model: z.string().trim().max(200, 'At most 200 characters').nullable().optional(),
  tags: Tags.optional(),
  dataRetentionDays: z
    .number('Must be a whole number')
    .int('Must be a whole number')
    .min(1, 'At least 1')
    .max(3650, 'At most 3,650')
    .nullable()
    .optional()
    .meta({
      description:
        'Days to store the data of its executions; null: as long as the executions. Changing it creates ' +
        'no version',
    }),
  requireReplay: z
    .boolean()
    .optional()
    .meta({
      description:
        'Whether a version is published only after a replay of recorded runs has passed on the instance. Changing it ' +
        'creates no version. An access token needs the scopes deploy and destructive to turn it off. Default: false',
    }),
}

export const exampleWorkflow = {
  name: 'Notify Slack about new orders',
  nodes: [
    {
      id: '5f0c1f52-7a3e-4d0b-9d5e-0b6a4f1c2d3e',
      name: 'Orders',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: 'orders', httpMethod: 'POST' },
    },
    {
      id: '8d1e2f3a-4b5c-4d6e-8f70-1a2b3c4d5e6f',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.3,
      position: [220, 0],
      parameters: { select: 'channel', text: 'New order' },
    },
  ],
  connections: { Orders: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
}

export const NewWorkflow = z.strictObject({ workflow: N8nJson, ...described }).meta({
  ref: 'NewWorkflow',
  'x-example': {
    workflow: exampleWorkflow,
    prompt: 'Post a message to Slack for every new order',
    model: 'gpt-5',
    tags: ['orders'],
  },
})
export type NewWorkflow = z.output<typeof NewWorkflow>

/** Omitted fields do not change; null clears a field. */
export const WorkflowChange = z
  .strictObject({ workflow: N8nJson.optional(), ...described })
  .meta({ ref: 'WorkflowChange', 'x-example': { name: 'Notify Slack', tags: ['orders', 'slack'] } })
export type WorkflowChange = z.output<typeof WorkflowChange>

const common = {
  name: z.string(),
  description: z.string().nullable(),
  prompt: z.string().nullable(),
  model: z.string().nullable(),
  tags: z.array(z.string()),
  version: z.number().int(),
  nodeCount: z.number().int(),
  nodeTypes: z.array(z.string()),
  requiredCredentialTypes: z.array(z.string()),
  triggerTypes: z.array(z.string()),
  webhookPaths: z.array(z.string()),
  contentHash: z.string().meta({ description: 'SHA-256 of the canonical workflow JSON, hex' }),
  createdAt: z.iso.datetime(),
}

export const WorkflowSummary = z
  .object({
    id: z.uuid(),
    ...common,
    dataRetentionDays: z.number().int().nullable(),
    requireReplay: z
      .boolean()
      .meta({ description: 'Whether a version is published only after a replay has passed on the instance' }),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'WorkflowSummary' })
export type WorkflowSummary = z.output<typeof WorkflowSummary>

export const Workflow = WorkflowSummary.extend({
  warnings: z.array(
    z.object({
      code: z.string(),
      message: z.string(),
      node: z.string().optional(),
      level: z.enum(findingLevels).optional(),
      pointer: z.string().optional(),
    }),
  ),
  workflow: z
    .record(z.string(), z.unknown())
    .meta({ description: 'n8n workflow JSON', 'x-example': exampleWorkflow }),
}).meta({ ref: 'Workflow' })
export type Workflow = z.output<typeof Workflow>

export const WorkflowList = sliceOf(WorkflowSummary)

const filter = trimmedText(200)

export const WorkflowQuery = z.strictObject({
  ...pageQuery,
  nodeType: filter.optional(),
  credentialType: filter.optional(),
  tag: filter.optional(),
  q: filter.optional().meta({
    description:
      'Words that must all occur in the name, description, prompt or node types, ignoring case and ' +
      'accents. Matches any part of a word in the name, in node types and in scripts without spaces ' +
      '(Chinese, Japanese, Korean, Thai), otherwise the beginning of a word',
  }),
  contentHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'SHA-256 in lowercase hex')
    .optional(),
  readiness: z
    .enum(readinessStates)
    .optional()
    .meta({
      description:
        '`missing`: a required credential type has no credential. `rejected`: a service rejected the bound ' +
        'credential or, without a binding, the one that a plan would use. `ready`: neither. ' +
        'Determined without calling n8n; getWorkflowReadiness checks each slot',
    }),
})
export type WorkflowFilter = Omit<z.output<typeof WorkflowQuery>, keyof typeof pageQuery>

export const WorkflowDeletion = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta({ ...asBoolean, description: 'Delete it even if deployments use it' }),
})

const versionNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'A version number')
  .transform(Number)
  .meta({ ...asInteger({ minimum: 1 }), description: 'Number of the version' })

export const WorkflowVersionId = IdParam.extend({ version: versionNumber })

export const WorkflowVersionSummary = z
  .object({
    ...common,
    parent: z.number().int().nullable().meta({
      description:
        'The version that it is based on: the previous one, the restored one, or the one edited in n8n',
    }),
    author: z.enum(versionAuthors).meta({
      description:
        '`n8n`: edited in n8n and adopted, without a prompt or model. `flowkeep`: fixes applied by a ' +
        'deployment',
    }),
    edits: z
      .array(z.string())
      .nullable()
      .meta({
        description: 'The first 20 edits that produced it, as sentences. Null: saved as a whole',
        examples: [['Set url of HTTP Request']],
      }),
  })
  .meta({ ref: 'WorkflowVersionSummary' })
export type WorkflowVersionSummary = z.output<typeof WorkflowVersionSummary>

/** How many of the newest versions are always kept. */
export const defaultKeptVersions = 100

export const Compaction = z
  .strictObject({
    keep: z
      .number()
      .int()
      .min(1, 'At least 1')
      .max(100_000, 'At most 100,000')
      .default(defaultKeptVersions)
      .meta({ description: 'How many of the newest versions are always kept' }),
  })
  .meta({ ref: 'Compaction' })

export const CompactedVersions = z
  .object({
    versions: z
      .array(z.number().int())
      .meta({ description: 'Numbers of the deleted versions, at most 1,000' }),
  })
  .meta({ ref: 'CompactedVersions' })

export const WorkflowVersion = WorkflowVersionSummary.extend({
  workflow: z
    .record(z.string(), z.unknown())
    .meta({ description: 'n8n workflow JSON', 'x-example': exampleWorkflow }),
  operations: z
    .array(z.looseObject({ op: z.string() }))
    .nullable()
    .meta({ description: 'The edits that produced it, as sent to `editWorkflow`. Null: saved as a whole' }),
}).meta({ ref: 'WorkflowVersion' })
export type WorkflowVersion = z.output<typeof WorkflowVersion>

export const WorkflowVersionList = sliceOf(WorkflowVersionSummary)

/** The cursor is the last version number of the previous page. */
export const WorkflowVersionQuery = z.strictObject({
  limit: pageQuery.limit,
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'Not a cursor from this list. Use the nextCursor of a page')
    .transform(Number)
    .pipe(z.number().min(2, 'Not a cursor from this list. Use the nextCursor of a page'))
    .optional(),
})

export const DiffQuery = z.strictObject({ from: versionNumber, to: versionNumber })

const Connection = z
  .object({
    from: z.string(),
    output: z.number().int(),
    to: z.string(),
    input: z.number().int(),
    type: z.string(),
  })
  .meta({ description: 'Node names, the indexes of output and input, and the kind, such as main or ai_tool' })

/** The nodes and connections in which two workflows differ. */
export const nodeDiff = {
  added: z.array(z.string()),
  removed: z.array(z.string()),
  changed: z.array(z.object({ node: z.string(), paths: z.array(z.string()) })),
  connections: z.object({ added: z.array(Connection), removed: z.array(Connection) }),
}

export const WorkflowDiff = z
  .object({
    from: z.number().int(),
    to: z.number().int(),
    ...nodeDiff,
    fields: z
      .array(z.enum(['name', 'description', 'prompt', 'model', 'tags', 'settings']))
      .meta({ description: 'Other fields that differ' }),
    truncated: z
      .literal(true)
      .optional()
      .meta({
        description:
          'The diff exceeds its limits (1,000 paths per node, 1 MB of paths, 1 MB of connections): some nodes list ' +
          'their top-level fields only, or some connections are left out',
      }),
  })
  .meta({ ref: 'WorkflowDiff' })
export type WorkflowDiff = z.output<typeof WorkflowDiff>

export const MissingCredentials = z
  .object({
    items: z.array(
      z.object({
        type: z.string(),
        displayName: z.string(),
        workflowCount: z.number().int(),
        workflows: z
          .array(z.object({ id: z.uuid(), name: z.string() }))
          .meta({ description: 'The newest 100' }),
      }),
    ),
  })
  .meta({ ref: 'MissingCredentials' })
export type MissingCredentials = z.output<typeof MissingCredentials>
