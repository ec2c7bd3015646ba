/** @module The HTTP shape of a plan: what deploying would do, and what is in its way. */
import * as z from 'zod'
import { bindingStatuses } from './bindings.ts'
import { Bindings, NewDeployment } from './contract.ts'

export const PlanRequest = NewDeployment.pick({
  workflowId: true,
  instanceId: true,
  version: true,
  publish: true,
})
  .extend({ bindings: Bindings.optional() })
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
  status: z.enum(bindingStatuses).meta({
    description:
      'ambiguous: choose one of the candidates; needs-n8n: sign in inside n8n and choose that credential; missing: ' +
      'create one',
  }),
  credentialId: z.string().nullable(),
  n8nCredentialId: z.string().nullable().meta({ description: 'The id that it has, or will have, in n8n' }),
  action: z
    .enum(['create', 'update', 'unchanged', 'existing'])
    .nullable()
    .meta({ description: 'What happens to it in n8n; null unless bound' }),
  candidates: z.array(Candidate),
  n8nCandidates: z
    .array(z.object({ id: z.string(), name: z.string() }))
    .nullable()
    .meta({ description: 'Credentials of the type in n8n; null where they were not, or cannot be, listed' }),
})
export type PlannedBinding = z.output<typeof PlannedBinding>

export const Plan = z
  .object({
    ready: z.boolean().meta({ description: 'Nothing is known that would stop it' }),
    workflowId: z.string(),
    instanceId: z.string(),
    version: z.number().int(),
    deploymentId: z
      .string()
      .nullable()
      .meta({ description: 'The workflow is on the instance already: redeploy that deployment' }),
    publish: z.boolean().meta({ description: 'false: it is left unpublished' }),
    bindings: z.array(PlannedBinding),
    unresolved: z.array(z.object({ node: z.string(), reason: z.string() })),
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
    forcedSettings: z
      .record(z.string(), z.string().nullable())
      .meta({ description: 'Set whatever the workflow says; null: known once it is deployed' }),
    changes: z.array(Pointed).meta({ description: 'What is mended or left out, for n8n would refuse it' }),
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
    problems: z.array(z.string()),
    planHash: z.string().meta({ description: 'Send it along to deploy only what was planned' }),
  })
  .meta({ ref: 'DeploymentPlan' })
export type Plan = z.output<typeof Plan>
