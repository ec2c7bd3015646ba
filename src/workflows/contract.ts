/** @module The HTTP shapes of workflows. */
import * as z from 'zod'
import { versionAuthors } from '../db/schema/workflows.ts'
import { findingLevels } from '../n8n/finding.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { slotReasons, slotStatuses } from './slot-bindings.ts'

export const nameLimit = 200
const tagLimit = 50

const mayHoldWorkflow = (value: unknown): boolean =>
  Array.isArray(value) || typeof value === 'string'
    ? value.length > 0
    : typeof value === 'object' && value !== null

const N8nJson = z
  .unknown()
  .refine(
    mayHoldWorkflow,
    'An n8n workflow: a JSON object with nodes and connections, or text that holds one',
  )
  .meta({
    anyOf: [{ type: 'object' }, { type: 'array' }, { type: 'string' }],
    description:
      'n8n workflow JSON; also wrapped as in exports (`{ data: … }`, an array of one), or as text that holds one: a code ' +
      'fence and text around the JSON are removed',
  })

const Name = z
  .string()
  .trim()
  .min(1, 'At least 1 character')
  .max(nameLimit, `At most ${nameLimit} characters`)

const Tags = z
  .array(z.string().trim().min(1, 'At least 1 character').max(64, 'At most 64 characters'))
  .max(tagLimit, `At most ${tagLimit} tags`)
  .transform((tags) => [...new Set(tags)].toSorted())
  .meta({ description: 'Trimmed, sorted and made distinct' })

const described = {
  name: Name.optional(),
  description: z.string().max(10_000, 'At most 10,000 characters').nullable().optional(),
  prompt: z
    .string()
    .max(100_000, 'At most 100,000 characters')
    .nullable()
    .optional()
    .meta({ description: 'What the workflow was made from' }),
  model: z.string().trim().max(200, 'At most 200 characters').nullable().optional(),
  tags: Tags.optional(),
  dataRetentionDays: z
    .number()
    .int('A whole number')
    .min(1, 'At least 1')
    .max(3650, 'At most 3650')
    .nullable()
    .optional()
    .meta({
      description:
        'How long the data of its executions is kept; null: as long as executions are. Makes no version.',
    }),
}

export const NewWorkflow = z.strictObject({ workflow: N8nJson, ...described }).meta({ ref: 'NewWorkflow' })
export type NewWorkflow = z.output<typeof NewWorkflow>

/** What is left out stays; null empties. */
export const WorkflowChange = z
  .strictObject({ workflow: N8nJson.optional(), ...described })
  .meta({ ref: 'WorkflowChange' })
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
  workflow: z.record(z.string(), z.unknown()),
}).meta({ ref: 'Workflow' })
export type Workflow = z.output<typeof Workflow>

export const WorkflowList = sliceOf(WorkflowSummary)

/** PostgreSQL text holds no U+0000. */
const filter = z
  .string()
  .trim()
  .min(1, 'At least 1 character')
  .max(200, 'At most 200 characters')
  .refine((text) => !text.includes('\0'), 'Holds a NUL character')

export const WorkflowQuery = z.strictObject({
  ...pageQuery,
  nodeType: filter.optional(),
  credentialType: filter.optional(),
  tag: filter.optional(),
  q: filter.optional().meta({
    description:
      'Words that all occur in name, description, prompt or node types, in any case and with or without accents: ' +
      'anywhere in a word of the name and the node types and in scripts without spaces (Chinese, Japanese, Korean, ' +
      'Thai), else from the beginning of a word',
  }),
  contentHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'SHA-256 in lower-case hex')
    .optional(),
})
export type WorkflowFilter = Omit<z.output<typeof WorkflowQuery>, keyof typeof pageQuery>

export const WorkflowId = z.object({ id: z.uuid({ version: 'v7' }) })

export const WorkflowDeletion = z.strictObject({
  force: z.enum(['true', 'false']).optional().meta({ description: 'true: although deployments use it' }),
})

const versionNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'A version number')
  .transform(Number)

export const WorkflowVersionId = WorkflowId.extend({ version: versionNumber })

export const WorkflowVersionSummary = z
  .object({
    ...common,
    parent: z.number().int().nullable().meta({
      description: 'The version it was made from: the one before, the one restored, or the one edited in n8n',
    }),
    author: z.enum(versionAuthors).meta({
      description:
        'n8n: edited in n8n and adopted; such a version has no prompt and no model. flowkeep: the fixes that a deployment ' +
        'was asked to apply',
    }),
  })
  .meta({ ref: 'WorkflowVersionSummary' })
export type WorkflowVersionSummary = z.output<typeof WorkflowVersionSummary>

export const WorkflowVersion = WorkflowVersionSummary.extend({
  workflow: z.record(z.string(), z.unknown()),
}).meta({ ref: 'WorkflowVersion' })
export type WorkflowVersion = z.output<typeof WorkflowVersion>

export const WorkflowVersionList = sliceOf(WorkflowVersionSummary)

/** Versions are numbered from 1 in each workflow, so the cursor is the last number of the page before. */
export const WorkflowVersionQuery = z.strictObject({
  limit: pageQuery.limit,
  cursor: versionNumber.pipe(z.number().min(2, 'Not a cursor that this list gave out')).optional(),
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

export const WorkflowDiff = z
  .object({
    from: z.number().int(),
    to: z.number().int(),
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.object({ node: z.string(), paths: z.array(z.string()) })),
    connections: z.object({ added: z.array(Connection), removed: z.array(Connection) }),
    fields: z
      .array(z.enum(['name', 'description', 'prompt', 'model', 'tags', 'settings']))
      .meta({ description: 'What differs beside nodes and connections' }),
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

const Candidate = z.object({
  id: z.uuid(),
  name: z.string(),
  status: z.enum(['untested', 'valid', 'invalid']),
})

export const Readiness = z
  .object({
    ready: z.boolean().meta({ description: 'Every slot is bound. `unresolved` does not count.' }),
    slots: z
      .array(
        z.object({
          node: z.string(),
          type: z.string(),
          displayName: z.string(),
          named: z
            .object({ id: z.string().nullable(), name: z.string().nullable() })
            .nullable()
            .meta({ description: 'The credential that the workflow’s JSON names' }),
          status: z.enum(slotStatuses),
          credential: z.object({ id: z.uuid(), name: z.string() }).nullable(),
          reason: z.enum(slotReasons).nullable(),
          sentTo: z
            .string()
            .nullable()
            .optional()
            .meta({ description: 'The host that the node sends it to; null: decided at run time' }),
          candidates: z.array(Candidate),
        }),
      )
      .meta({
        description:
          'Every place of a credential, filled as on an instance where the workflow was never deployed. A plan says the ' +
          'same of one instance',
      }),
    requirements: z
      .array(
        z.object({
          type: z.string(),
          displayName: z.string(),
          nodes: z.array(z.string()),
          optional: z.boolean().meta({ description: 'Attached to nodes that n8n would run without it' }),
          satisfied: z.boolean().meta({ description: 'Every slot of the type is bound' }),
          candidates: z.array(Candidate),
        }),
      )
      .meta({ description: 'The slots by credential type' }),
    unresolved: z
      .array(z.object({ node: z.string(), reason: z.string() }))
      .meta({ description: 'Nodes whose credential is chosen by an expression when they run' }),
  })
  .meta({ ref: 'Readiness' })
export type Readiness = z.output<typeof Readiness>

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
