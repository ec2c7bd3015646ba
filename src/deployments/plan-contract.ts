/** @module The HTTP shape of a plan: what deploying would do, and what is in its way. */
import * as z from 'zod'
import { deploymentStatuses } from '../db/schema/deployments.ts'
import { Finding } from '../n8n/finding.ts'
import { slotReasons, slotStatuses } from '../workflows/slot-bindings.ts'
import { Bindings, Fixes, NewDeployment } from './contract.ts'

export const PlanRequest = NewDeployment.pick({
  workflowId: true,
  instanceId: true,
  version: true,
  publish: true,
  withDependencies: true,
})
  .extend({ fixes: Fixes.optional(), bindings: Bindings.optional() })
  .meta({ ref: 'PlanRequest' })
export type PlanRequest = z.output<typeof PlanRequest>

const Candidate = z.object({ id: z.string(), name: z.string(), status: z.string() })
const Pointed = z.object({ pointer: z.string(), detail: z.string() })
const Connection = z.object({
  from: z.string(),
  output: z.number().int(),
  to: z.string(),
  input: z.number().int(),
  type: z.string(),
})

const PlannedBinding = z.object({
  type: z.string(),
  displayName: z.string(),
  nodes: z.array(z.string()),
  status: z.enum(slotStatuses).meta({ description: 'The worst of its slots' }),
  credentialId: z.string().nullable().meta({ description: 'null where its slots use different ones' }),
  n8nCredentialId: z.string().nullable().meta({ description: 'The id that it has, or will have, in n8n' }),
  action: z
    .enum(['create', 'update', 'unchanged', 'existing'])
    .nullable()
    .meta({ description: 'What happens to them in n8n; null unless all are bound' }),
  candidates: z.array(Candidate),
  n8nCandidates: z
    .array(z.object({ id: z.string(), name: z.string() }))
    .nullable()
    .meta({ description: 'Credentials of the type in n8n; null where they were not, or cannot be, listed' }),
})
export type PlannedBinding = z.output<typeof PlannedBinding>

const PlannedSlot = z.object({
  node: z.string(),
  type: z.string(),
  displayName: z.string(),
  named: z
    .object({ id: z.string().nullable(), name: z.string().nullable() })
    .nullable()
    .meta({ description: 'The credential that the workflow’s JSON names' }),
  status: z.enum(slotStatuses).meta({
    description:
      'bound; n8n: bound to a credential that only n8n has; missing: create one; ambiguous: choose one of the ' +
      'candidates; needs-consent: sign in inside n8n',
  }),
  credential: z
    .object({ id: z.string().optional(), n8nCredentialId: z.string().optional(), name: z.string() })
    .nullable()
    .meta({ description: 'What fills it; n8nCredentialId is the id that it has, or will have, in n8n' }),
  reason: z
    .enum(slotReasons)
    .nullable()
    .meta({
      description:
        'Why this one: chosen by you; bound there earlier; held by the live node in n8n; of the name that the JSON names; ' +
        'your only one of the type',
    }),
  sentTo: z.string().nullable().optional().meta({
    description:
      'The host that the node sends it to; null: decided at run time; absent: to the service of the credential',
  }),
  consentUrl: z.string().optional().meta({
    description:
      'Where to sign in inside n8n, with needs-consent; absent until the credential is there: deploying puts it there',
  }),
  candidates: z.array(Candidate),
})
export type PlannedSlot = z.output<typeof PlannedSlot>

const PlannedDependency = z.object({
  workflowId: z.uuid(),
  name: z.string(),
  version: z
    .number()
    .int()
    .nullable()
    .meta({ description: 'The version that is deployed; null: it stays as it is' }),
  deploymentId: z.uuid().nullable(),
  status: z.enum(deploymentStatuses).nullable().meta({ description: 'null: not on the instance' }),
  action: z.enum(['none', 'deploy', 'activate']),
  ready: z.boolean(),
  problems: z.array(Finding),
})
export type PlannedDependency = z.output<typeof PlannedDependency>

export const Plan = z
  .object({
    ready: z.boolean().meta({
      description:
        'Every slot is filled and no problem is an error: n8n will publish it. What Flowkeep cannot verify on this n8n, such ' +
        'as a community node that it does not list, is an error as well (`community-node-unverified`); only empty slots ' +
        'and an invalid workflow stop POST /v1/deployments',
    }),
    workflowId: z.string(),
    instanceId: z.string(),
    version: z.number().int(),
    deploymentId: z
      .string()
      .nullable()
      .meta({ description: 'The workflow is on the instance already: redeploy that deployment' }),
    publish: z.boolean().meta({ description: 'false: it is left unpublished' }),
    slots: z
      .array(PlannedSlot)
      .meta({ description: 'Every place of a credential: a node and a credential type' }),
    bindings: z.array(PlannedBinding).meta({ description: 'The slots by credential type' }),
    unresolved: z.array(z.object({ node: z.string(), reason: z.string() })),
    dependencies: z.array(PlannedDependency).meta({
      description: 'Workflows that this one calls, in the order in which they are deployed before it',
    }),
    conflicts: z
      .array(
        z.object({
          method: z.string(),
          path: z.string(),
          n8nWorkflowId: z.string(),
          name: z.string(),
          deploymentId: z.string().nullable().meta({ description: 'Where it is one of your deployments' }),
        }),
      )
      .meta({ description: 'Webhook paths that a published workflow there has already' }),
    forcedSettings: z.record(z.string(), z.string().nullable()).meta({
      description:
        'Always set by Flowkeep. errorWorkflow: the one of the workflow’s own, else the error reporter; null: its own Error Trigger, or not set up yet',
    }),
    changes: z
      .array(Pointed)
      .meta({ description: 'Bookkeeping that is left out or filled in, of no effect on a run' }),
    fixes: z.array(z.string()).meta({
      description:
        'Codes of the repairs, among those asked for, that this plan makes. Deploying saves the repaired workflow as a new ' +
        'version, made from this one',
    }),
    webhookUrls: z.array(z.string()).meta({ description: 'Where its triggers will be reached' }),
    live: z
      .object({
        version: z.number().int(),
        missing: z.boolean().meta({ description: 'n8n does not have it any more' }),
        differs: z.boolean(),
        diff: z
          .object({
            name: z.string().nullable(),
            added: z.array(z.string()),
            removed: z.array(z.string()),
            changed: z.array(z.object({ node: z.string(), paths: z.array(z.string()) })),
            connections: z.object({ added: z.array(Connection), removed: z.array(Connection) }),
            settings: z.array(z.string()),
          })
          .nullable(),
      })
      .nullable()
      .meta({ description: 'What deploying would change in what n8n has; null: n8n has nothing yet' }),
    problems: z.array(Finding),
    planHash: z.string().meta({ description: 'Send it along to deploy only what was planned' }),
  })
  .meta({ ref: 'DeploymentPlan' })
export type Plan = z.output<typeof Plan>
