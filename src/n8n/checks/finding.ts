/** @module The result of one check of a workflow, a plan or a live deployment. */
import * as z from 'zod'

/** `error`: n8n rejects it, or it cannot work. `warning`: it works, but probably not as intended. */
export const findingLevels = ['error', 'warning', 'hint'] as const

/** An operation of a JSON Patch (RFC 6902) on the workflow. */
export const PatchOperation = z
  .discriminatedUnion('op', [
    z.object({ op: z.enum(['add', 'replace']), path: z.string(), value: z.unknown() }),
    z.object({ op: z.literal('remove'), path: z.string() }),
    z.object({ op: z.literal('move'), from: z.string(), path: z.string() }),
  ])
  .meta({ ref: 'PatchOperation' })
export type PatchOperation = z.output<typeof PatchOperation>

export const Finding = z
  .object({
    code: z.string().meta({ description: 'Stable, kebab-case' }),
    level: z.enum(findingLevels),
    node: z.string().optional().meta({ description: 'Name of the node' }),
    pointer: z
      .string()
      .meta({ description: 'JSON pointer (RFC 6901) into the workflow; empty for the whole workflow' }),
    message: z.string().meta({ description: 'What is wrong and how to fix it' }),
    n8n: z.string().optional().meta({ description: 'The exact n8n message, if any' }),
    fix: z
      .object({
        label: z.string(),
        operations: z
          .array(PatchOperation)
          .optional()
          .meta({ description: 'JSON Patch (RFC 6902) of the workflow' }),
      })
      .optional()
      .meta({ description: 'A fix that preserves the meaning. Send the code in `fixes` to apply it' }),
  })
  .meta({ ref: 'Finding' })
export type Finding = z.output<typeof Finding>

export const worstFirst = (a: Finding, b: Finding): number =>
  findingLevels.indexOf(a.level) - findingLevels.indexOf(b.level)

export const hasErrors = (findings: readonly Finding[]): boolean =>
  findings.some(({ level }) => level === 'error')
