/** @module The HTTP shapes of readiness: the credential slots of a workflow and their state on each instance. */
import { Uuid } from '../lib/scalars.ts'
import * as z from 'zod'
import { candidatesMeaning } from './candidates.ts'
import { CheckSummary } from './check-contract.ts'
import { slotReasons, slotStatuses } from './slot-bindings.ts'

const Candidate = z.object({
  id: z.uuid(),
  name: z.string(),
  status: z.enum(['untested', 'valid', 'invalid']),
})

const slotStatus = z.enum(slotStatuses)
const slotReason = z.enum(slotReasons).nullable()
const ConsentUrl = z
  .string()
  .optional()
  .meta({ description: 'Where to sign in inside n8n, for `needs-consent`' })

export const NamedCredential = z
  .object({ id: z.string().nullable(), name: z.string().nullable() })
  .nullable()
  .meta({ description: 'The credential named in the workflow JSON' })

export const SentToExpression = z.string().nullable().optional().meta({
  description: 'The URL expression that determines the host, if `sentTo` is null; null: the URL is missing',
})

export const ReadVariable = z.object({
  name: z.string(),
  value: z.string().nullable().meta({ description: 'Replaces `$vars.NAME`. Null: not replaced' }),
  from: z.enum(['instance', 'environment']).nullable().meta({ description: 'What defines it' }),
  nodes: z.array(z.string()).meta({ description: 'The nodes that read it' }),
})
export type ReadVariable = z.output<typeof ReadVariable>

export const ReadinessQuery = z.strictObject({
  instanceId: Uuid.optional().meta({
    description: 'The instance to check. Also queries n8n where Flowkeep alone cannot decide',
  }),
})

export const Readiness = z
  .object({
    ready: z.boolean().meta({ description: 'All slots are filled. `unresolved` is not considered' }),
    instanceId: z
      .uuid()
      .nullable()
      .meta({
        description:
          'The instance that `ready`, `slots` and `requirements` refer to. Without the parameter, the one with ' +
          'the most open slots among those where the workflow is deployed; if it is not deployed, the one with the ' +
          'fewest. Null without a reachable instance',
      }),
    slots: z
      .array(
        z.object({
          node: z.string(),
          type: z.string(),
          displayName: z.string(),
          named: NamedCredential,
          status: slotStatus,
          credential: z
            .object({ id: z.uuid().optional(), n8nCredentialId: z.string().optional(), name: z.string() })
            .nullable(),
          reason: slotReason,
          consentUrl: ConsentUrl,
          sentTo: z.string().nullable().optional().meta({
            description: 'The host that the node sends the credential to; null: determined at run time',
          }),
          sentToExpression: SentToExpression,
          candidates: z.array(Candidate).meta({ description: candidatesMeaning }),
        }),
      )
      .meta({
        description: 'All credential slots, bound as in a plan for the instance without `bindings`',
      }),
    requirements: z
      .array(
        z.object({
          type: z.string(),
          displayName: z.string(),
          nodes: z.array(z.string()),
          optional: z.boolean().meta({ description: 'n8n runs the nodes without it' }),
          satisfied: z.boolean().meta({ description: 'All slots of the type are filled' }),
          candidates: z.array(Candidate).meta({ description: candidatesMeaning }),
        }),
      )
      .meta({ description: 'The slots by credential type' }),
    variables: z.array(ReadVariable).meta({
      description: 'The variables that the workflow reads, with their values on `instanceId`',
    }),
    check: CheckSummary.meta({
      description:
        'Findings in the workflow, for the n8n version of `instanceId`. `ready` does not consider them',
    }),
    unresolved: z
      .array(z.object({ node: z.string(), reason: z.string() }))
      .meta({ description: 'Nodes whose credential is chosen by an expression at run time' }),
    instances: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          deploymentId: z.uuid().nullable().meta({ description: 'Null: not deployed there' }),
          ready: z.boolean().nullable().meta({ description: 'Null: see `error`' }),
          error: z.string().nullable().meta({ description: 'Why this instance has no result' }),
          slots: z.array(
            z.object({
              node: z.string(),
              type: z.string(),
              status: slotStatus,
              reason: slotReason,
              consentUrl: ConsentUrl,
            }),
          ),
        }),
      )
      .meta({
        description:
          'The slots on each instance: those where the workflow is deployed, then the newest, at most 10',
      }),
  })
  .meta({ ref: 'Readiness' })
export type Readiness = z.output<typeof Readiness>
/** Without the check of the workflow and its variables. */
export type SlotReadiness = Omit<Readiness, 'check' | 'variables'>
