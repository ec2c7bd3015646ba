import type { Finding } from '../n8n/checks/finding.ts'
import { checkCodes } from './codes.ts'

const checked: ReadonlySet<string> = new Set(checkCodes)

/** A warning that was stored with a workflow. */
interface StoredWarning {
  code: string
  message: string
  node?: string | undefined
  level?: Finding['level'] | undefined
  pointer?: string | undefined
}

/** The warnings that a check of the JSON alone does not find, such as numbers that lost digits. */
export const otherWarnings = (warnings: readonly StoredWarning[]): Finding[] =>
  warnings.flatMap(({ code, message, node, level = 'warning', pointer = '' }) =>
    checked.has(code) ? [] : [{ code, level, pointer, message, ...(node !== undefined && { node }) }],
  )
