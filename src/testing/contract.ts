/** @module The HTTP shapes of tests. */
import * as z from 'zod'
import { testRunStatuses, writeTreatments } from '../db/schema/test-runs.ts'
import { Bindings } from '../deployments/contract.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { Uuid } from '../lib/scalars.ts'
import { differenceKinds } from './replay.ts'
import { itemSources, treatmentReasons, treatments } from './scratch.ts'

const maxItems = 100
export const maxReplayRuns = 5
export const inputLimitBytes = 256 * 1024
const replayStatuses = ['running', 'passed', 'failed'] as const
const sizeOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length

const Item = z.record(z.string(), z.unknown())

export const TestInput = z
  .union([Item, z.array(Item).min(1, 'At least one item').max(maxItems, `At most ${maxItems} items`)])
  .refine((input) => sizeOf(input) <= inputLimitBytes, 'Exceeds 256 KB')
  .transform((input) => (Array.isArray(input) ? input : [input]))
  .meta({
    description:
      'The JSON of the item that the trigger outputs, or of its items: for a webhook `{ "body": … }`, for a form its ' +
      'fields, for a chat `{ "chatInput": … }`. The fields that n8n always adds are filled in. Default: the data pinned ' +
      'to the trigger, otherwise an empty item',
    type: ['object', 'array'],
  })

export const TestRequest = z
  .strictObject({
    instanceId: Uuid,
    version: z.int().min(1, 'At least 1').max(1_000_000_000).optional().meta({
      description: 'Default: the current version of the workflow',
    }),
    trigger: z.string().min(1, 'Must not be empty').max(1000, 'At most 1,000 characters').optional().meta({
      description: 'Name of the trigger to test. Required if the workflow has several enabled triggers',
    }),
    input: TestInput.optional(),
    executionId: Uuid.optional().meta({
      description:
        'Replays this execution of the workflow, whose values must be stored: its input becomes the input of the test, nodes that do not ' +
        'run output what they returned, and `differences` compares the others. Instead of `input` and `trigger`',
    }),
    replay: z
      .strictObject({
        runs: z.int().min(1, 'At least 1').max(maxReplayRuns, `At most ${maxReplayRuns}`).meta({
          description: 'How many runs to replay. Fewer are replayed if fewer are stored',
        }),
      })
      .optional()
      .meta({
        description:
          'Replays the newest successful executions whose input is stored completely, one after another, as one test each. ' +
          'Responds with the first test; `replay` has the result of all. Instead of `executionId`, `input` and `trigger`',
      }),
    bindings: Bindings.optional().meta({
      description:
        'Credentials for the test, as in `POST /v1/deployments`. Only slots named here get one: no credential of a ' +
        'deployment is used. A node without a credential that it needs is not run',
    }),
    writes: z
      .enum(writeTreatments)
      .optional()
      .meta({
        description:
          'What to do with nodes that may change data: `pin` replaces them with nodes that output their pinned data, data ' +
          'of a recorded shape, or their input; `disable` passes their input on; `run` runs them. Default: `pin`',
      }),
  })
  .refine(
    ({ executionId, replay, input, trigger }) =>
      [executionId, replay, input ?? trigger].filter((each) => each !== undefined).length <= 1,
    'Send either replay, or executionId, or input and trigger',
  )
  .meta({
    ref: 'TestRequest',
    'x-example': {
      instanceId: '01934f8e-7f00-7b21-8e4f-6a3b2c1d0e9f',
      input: { body: { orderId: 7 } },
    },
  })
export type TestRequest = z.output<typeof TestRequest>

export const TestNode = z.object({
  name: z.string(),
  type: z.string(),
  treatment: z.enum(treatments).meta({
    description:
      '`run`: runs unchanged. `input`: the trigger, which outputs the input of the test. `stand-in`: outputs other items. ' +
      '`skipped`: passes its input on',
  }),
  reason: z.enum(treatmentReasons).nullable().meta({
    description:
      'Why it does not run unchanged. `sub-node`: one of its sub-nodes, such as a tool, must not run',
  }),
  source: z.enum(itemSources).nullable().meta({
    description: 'Of a stand-in: where its items come from. `input`: it outputs what it gets',
  }),
  status: z.enum(['success', 'error', 'not-run']).nullable().meta({
    description: 'Null until the test finishes',
  }),
  runs: z.int().meta({ description: 'More than 1 in a loop' }),
  items: z.int().meta({ description: 'Items that it output, over all runs and outputs' }),
  durationMs: z.int().nullable(),
  error: z
    .object({ message: z.string(), httpStatus: z.int().nullable() })
    .nullable()
    .meta({ description: "n8n's message, with secrets redacted" }),
  outputs: z
    .array(
      z.object({
        items: z.int(),
        shape: z.string().nullable().meta({ description: 'Types of the items. Null if there are none' }),
        sample: z.unknown().meta({
          description: 'The first item, with secrets redacted. Null if it exceeds 2 KB, and in a replay',
        }),
      }),
    )
    .meta({ description: 'Each output of its last run' }),
  differences: z
    .array(z.enum(differenceKinds))
    .nullable()
    .meta({
      description:
        'Of a replay: how its last run differs from the recorded one. `values`: the items have the same types, but other ' +
        'values. Null for nodes whose `treatment` is not `run` or whose recorded values are not stored, and without `executionId`',
    }),
})
export type TestNode = z.output<typeof TestNode>

export const TestRun = z
  .object({
    id: z.uuid(),
    workflowId: z.uuid().nullable().meta({ description: 'Null once the workflow is deleted' }),
    version: z.int(),
    instanceId: z.uuid(),
    status: z.enum(testRunStatuses).meta({
      description: '`failed`: the run failed. `error`: the workflow could not be run',
    }),
    step: z.string().nullable().meta({ description: 'The step in progress, or the step that failed' }),
    error: z.string().nullable().meta({ description: 'Why it failed, or why it waits' }),
    trigger: z.string().meta({ description: 'The trigger that the input stands for' }),
    executionId: z.uuid().nullable().meta({ description: 'The execution that it replays' }),
    replay: z
      .object({
        id: z.uuid(),
        status: z.enum(replayStatuses).meta({
          description: '`passed` only if all its tests passed. `failed`: one of them did not',
        }),
        runs: z.int().meta({ description: 'Number of its tests' }),
        passed: z.int().meta({ description: 'Tests that passed' }),
        differences: z
          .int()
          .meta({ description: 'Nodes that differ from the recorded runs, in all its tests' }),
      })
      .nullable()
      .meta({ description: 'The replay that the test belongs to, with the result of all its tests' }),
    writes: z.enum(writeTreatments),
    durationMs: z.int().nullable().meta({ description: 'Duration of the run in n8n' }),
    nodes: z.array(TestNode).meta({ description: 'In the order of the workflow. Empty in lists' }),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
    removedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When everything that the test created in n8n was removed' }),
  })
  .meta({ ref: 'TestRun' })
export type TestRun = z.output<typeof TestRun>

export const TestRunList = sliceOf(TestRun)
export const TestRunQuery = z.strictObject({
  ...pageQuery,
  workflowId: Uuid.optional(),
  replayId: Uuid.optional().meta({ description: 'Only the tests of this replay' }),
})
