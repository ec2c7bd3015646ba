/** @module The HTTP shape of a plan: the changes that a deployment makes, and the problems that block it. */
import { nodeDiff } from '../../workflows/contract.ts'
import * as z from 'zod'
import { deploymentStatuses } from '../../db/schema/deployments.ts'
import { candidatesMeaning } from '../../workflows/candidates.ts'
import { NamedCredential, ReadVariable, SentToExpression } from '../../workflows/readiness-contract.ts'
import { slotReasons, slotStatuses } from '../../workflows/slot-bindings.ts'
import { Bindings, exampleDeployment, Fixes, NewDeployment } from '../contract.ts'
import { PlanProblem } from './problems.ts'

export const PlanRequest = NewDeployment.pick({
  workflowId: true,
  instanceId: true,
  version: true,
  publish: true,
  withDependencies: true,
})
  .extend({
    fixes: Fixes.optional(),
    bindings: Bindings.optional(),
    rollback: z.boolean().optional().meta({
      description:
        'Plans a rollback of the deployment to `version`, with the credentials that it had then. Default: false',
    }),
  })
  .meta({ ref: 'PlanRequest', 'x-example': exampleDeployment })
export type PlanRequest = z.output<typeof PlanRequest>

const Candidate = z.object({ id: z.string(), name: z.string(), status: z.string() })
const Pointed = z.object({ pointer: z.string(), detail: z.string() })

const PlannedBinding = z.object({
  type: z.string(),
  displayName: z.string(),
  nodes: z.array(z.string()),
  status: z.enum(slotStatuses).meta({ description: 'The worst status of its slots' }),
  credentialId: z.string().nullable().meta({ description: 'Null when its slots use different credentials' }),
  n8nCredentialId: z.string().nullable().meta({ description: 'The ID that it has or will have in n8n' }),
  action: z
    .enum(['create', 'update', 'unchanged', 'existing'])
    .nullable()
    .meta({ description: 'What happens to the credential in n8n; null unless all slots are bound' }),
  candidates: z.array(Candidate).meta({ description: candidatesMeaning }),
  n8nCandidates: z
    .array(z.object({ id: z.string(), name: z.string() }))
    .nullable()
    .meta({ description: 'Credentials of the type in n8n; null when they cannot be listed' }),
})
export type PlannedBinding = z.output<typeof PlannedBinding>

const PlannedSlot = z.object({
  node: z.string(),
  type: z.string(),
  displayName: z.string(),
  named: NamedCredential,
  status: z.enum(slotStatuses).meta({
    description:
      '`bound`; `n8n`: bound to a credential that only n8n has; `missing`: create one; `ambiguous`: ' +
      'choose a candidate; `needs-consent`: sign in inside n8n',
  }),
  credential: z
    .object({ id: z.string().optional(), n8nCredentialId: z.string().optional(), name: z.string() })
    .nullable()
    .meta({
      description:
        'The credential that fills the slot. `n8nCredentialId` is the ID that it has or will have in n8n',
    }),
  reason: z
    .enum(slotReasons)
    .nullable()
    .meta({
      description:
        'Why this credential: `chosen` in the request; chosen for the `instance` or its `environment`; bound `earlier`; ' +
        'used by the `live` node in n8n; ' +
        'matches the `name` in the JSON; the `only` one of the type',
    }),
  sentTo: z
    .string()
    .nullable()
    .optional()
    .meta({
      description:
        'The host that the node sends the credential to; null: determined at run time; absent: the service ' +
        'of the credential',
    }),
  sentToExpression: SentToExpression,
  consentUrl: z
    .string()
    .optional()
    .meta({
      description:
        'Where to sign in inside n8n, for `needs-consent`. Absent until the credential exists in n8n; ' +
        'deploying creates it',
    }),
  candidates: z.array(Candidate).meta({ description: candidatesMeaning }),
})
export type PlannedSlot = z.output<typeof PlannedSlot>

const PlannedDependency = z.object({
  workflowId: z.uuid(),
  name: z.string(),
  version: z
    .number()
    .int()
    .nullable()
    .meta({ description: 'The version that is deployed; null when nothing changes' }),
  deploymentId: z.uuid().nullable(),
  status: z.enum(deploymentStatuses).nullable().meta({ description: 'Null when it is not on the instance' }),
  action: z.enum(['none', 'deploy', 'activate']),
  ready: z.boolean(),
  drifted: z.boolean().meta({ description: 'Deploying overwrites changes made in n8n' }),
  problems: z.array(PlanProblem),
})
export type PlannedDependency = z.output<typeof PlannedDependency>

export const Plan = z
  .object({
    ready: z.boolean().meta({
      description:
        'All slots are filled and no problem is an error: n8n will publish the workflow. Community nodes ' +
        'that cannot be verified on this n8n server are errors too (`community-node-unverified`). `blocks` of each ' +
        'problem tells whether it stops `POST /v1/deployments`',
    }),
    workflowId: z.string(),
    instanceId: z.string(),
    version: z.number().int(),
    deploymentId: z
      .string()
      .nullable()
      .meta({ description: 'The existing deployment of the workflow on this instance: redeploy that one' }),
    publish: z.boolean().meta({ description: 'Whether the workflow is published' }),
    slots: z
      .array(PlannedSlot)
      .meta({ description: 'All credential slots: a node and a credential type each' }),
    bindings: z.array(PlannedBinding).meta({ description: 'The slots by credential type' }),
    variables: z.array(ReadVariable).meta({
      description: 'The variables that the workflow reads. Deploying replaces them with their values',
    }),
    unresolved: z.array(z.object({ node: z.string(), reason: z.string() })),
    dependencies: z.array(PlannedDependency).meta({
      description: 'Workflows that this one calls, in the order of deployment',
    }),
    conflicts: z
      .array(
        z.object({
          method: z.string(),
          path: z.string(),
          n8nWorkflowId: z.string(),
          name: z.string(),
          deploymentId: z.string().nullable().meta({ description: 'Its deployment, if any' }),
        }),
      )
      .meta({ description: 'Webhook paths that a published workflow on the instance already uses' }),
    forcedSettings: z.record(z.string(), z.string().nullable()).meta({
      description:
        "Settings that Flowkeep always sets. `errorWorkflow` is the workflow's own, otherwise the error " +
        'reporter; null when the workflow has its own Error Trigger or the reporter is not set up yet',
    }),
    changes: z
      .array(Pointed)
      .meta({ description: 'Metadata that is removed or filled in. It has no effect on executions' }),
    fixes: z.array(z.string()).meta({
      description: 'The requested fixes that apply. Deploying saves the fixed workflow as a new version',
    }),
    webhookUrls: z.array(z.string()).meta({ description: 'URLs of its triggers after deployment' }),
    live: z
      .object({
        version: z.number().int(),
        missing: z.boolean().meta({ description: 'True if the workflow was deleted in n8n' }),
        differs: z.boolean(),
        drifted: z.boolean().meta({
          description:
            'n8n has changes that Flowkeep did not make, or a workflow that Flowkeep did not create. Deploying overwrites them',
        }),
        diff: z
          .object({
            name: z.string().nullable(),
            ...nodeDiff,
            settings: z.array(z.string()),
          })
          .nullable(),
      })
      .nullable()
      .meta({
        description: 'What deploying would change in n8n; null when n8n does not have the workflow yet',
      }),
    n8nVersion: z.string().meta({
      description: 'The n8n version that the check assumes',
      examples: ['2.41'],
    }),
    problems: z.array(PlanProblem).meta({
      description:
        'Errors, warnings and hints. Errors that make n8n refuse to publish the workflow block the deployment. To ' +
        'override the `forceable` ones, send a reason in `force`',
    }),
    planHash: z.string().meta({
      description:
        'Send it with `POST /v1/deployments`, `…/deploy` or `…/rollback` to deploy exactly this plan',
    }),
  })
  .meta({ ref: 'DeploymentPlan' })
export type Plan = z.output<typeof Plan>
