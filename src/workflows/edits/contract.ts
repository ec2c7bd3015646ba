/** @module The HTTP shapes of edits. */
import * as z from 'zod'
import { Finding } from '../../n8n/checks/finding.ts'
import { described, WorkflowDiff } from '../contract.ts'
import { EditOperation, maxOperations } from './operations.ts'

export const EditRequest = z
  .strictObject({
    operations: z
      .array(EditOperation)
      .min(1, 'At least one operation')
      .max(maxOperations, `At most ${maxOperations} operations`)
      .meta({ description: 'Applied in order: all, or none' }),
    prompt: described.prompt.meta({ description: 'The prompt that the edits were generated from' }),
    model: described.model,
    dryRun: z.boolean().optional().meta({ description: 'Return the result without storing it' }),
    rebase: z
      .boolean()
      .optional()
      .meta({
        description:
          'If the workflow is no longer at the version in `If-Match`: apply the edits to the current version, unless ' +
          'the versions since then touched what the edits touch',
      }),
  })
  .meta({
    ref: 'EditRequest',
    'x-example': {
      operations: [
        { op: 'addNode', node: { name: 'Wait', type: 'n8n-nodes-base.wait', parameters: { amount: 5 } } },
        { op: 'disconnect', from: 'Orders', to: 'Slack' },
        { op: 'connect', from: 'Orders', to: 'Wait' },
        { op: 'connect', from: 'Wait', to: 'Slack' },
        { op: 'setParameter', node: 'Slack', pointer: '/text', value: 'A new order' },
      ],
      prompt: 'Wait 5 seconds before the message',
    },
  })
export type EditRequest = z.output<typeof EditRequest>

export const EditResult = z
  .object({
    version: z.int().meta({ description: 'The current version of the workflow' }),
    stored: z.boolean().meta({
      description: 'Whether the edits created a new version: false for `dryRun`, and if they change nothing',
    }),
    rebasedFrom: z.int().optional().meta({
      description: 'The version in `If-Match`, if the edits were applied to a later one',
    }),
    diff: WorkflowDiff.meta({ description: 'What the edits change' }),
    findings: z
      .array(Finding.extend({ isNew: z.boolean().meta({ description: 'The edits caused it' }) }))
      .meta({ description: 'Findings of the edited workflow, new ones first, then by level' }),
  })
  .meta({
    ref: 'EditResult',
    'x-example': {
      version: 4,
      stored: true,
      diff: {
        from: 3,
        to: 4,
        added: ['Wait'],
        removed: [],
        changed: [{ node: 'Slack', paths: ['parameters.text'] }],
        connections: {
          added: [
            { from: 'Orders', output: 0, to: 'Wait', input: 0, type: 'main' },
            { from: 'Wait', output: 0, to: 'Slack', input: 0, type: 'main' },
          ],
          removed: [{ from: 'Orders', output: 0, to: 'Slack', input: 0, type: 'main' }],
        },
        fields: ['prompt'],
      },
      findings: [],
    },
  })
export type EditResult = z.output<typeof EditResult>
