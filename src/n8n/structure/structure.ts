/**
 * @module Finds structure that n8n rejects when it creates a workflow (measured on 2.41.1), and repairs it without changing
 * the meaning. Repairs are opt-in. Editor-only fields and nulls are not defects.
 */
import type { JsonObject } from '../../lib/json-object.ts'
import type { Finding } from '../checks/finding.ts'
import { checkConnections } from './connections.ts'
import { mentionedNames } from './names.ts'
import { checkNodes } from './nodes.ts'
import { isAbsent, Place, quoted, refusedKind, Repairs } from './repairs.ts'
import { checkSettings } from './settings.ts'

/** Maximum length of a workflow name in code points, which is how n8n counts. */
export const MAX_NAME_LENGTH = 128

export interface Structure {
  /** The input with the requested repairs; the same object if nothing was repaired. */
  workflow: JsonObject
  /** Defects in the input, at most 200. */
  findings: Finding[]
  /** Defects that remain after the repairs. */
  left: Finding[]
  /** Codes of the applied repairs, sorted. */
  applied: string[]
}

/** Pure and linear in the workflow size. @param fixes codes of the findings to repair */
export function checkStructure(workflow: JsonObject, fixes: Iterable<string> | 'all' = []): Structure {
  const repairs = new Repairs(fixes === 'all' ? 'all' : new Set(fixes))
  const place = new Place()
  const name = checkName(workflow.name, place.at('name'), repairs)
  const mentioned = mentionedNames(workflow.connections)
  const given: unknown = workflow.nodes
  if (!Array.isArray(given)) {
    repairs.report({
      code: 'invalid-workflow',
      place: place.at('nodes'),
      message: 'nodes must be an array of nodes',
      n8n: refusedKind(place.at('nodes'), 'array', given),
    })
  }
  const { nodes, names } = checkNodes(
    Array.isArray(given) ? given : [],
    place.at('nodes'),
    mentioned,
    repairs,
  )
  const connections = checkConnections(workflow.connections, place.at('connections'), names, repairs)
  const settings = checkSettings(workflow.settings, place.at('settings'), repairs)
  return {
    workflow:
      repairs.applied.size === 0
        ? workflow
        : {
            ...workflow,
            ...(name !== workflow.name && { name }),
            ...(Array.isArray(given) && { nodes }),
            ...('connections' in workflow && { connections }),
            ...('settings' in workflow && { settings }),
          },
    findings: repairs.all,
    left: repairs.left,
    applied: [...repairs.applied].toSorted(),
  }
}

function checkName(name: unknown, place: Place, repairs: Repairs): unknown {
  if (isAbsent(name) || name === '') return name
  if (typeof name !== 'string') {
    const isNumber = typeof name === 'number'
    const applied = repairs.report({
      code: 'invalid-workflow-name',
      place,
      message: 'The workflow name must be a string',
      n8n: refusedKind(place, 'string', name),
      fix: isNumber ? `Name it ${quoted(String(name))}` : undefined,
    })
    return applied && isNumber ? String(name) : name
  }
  // A code point takes at most two UTF-16 units.
  if (name.length <= MAX_NAME_LENGTH) return name
  const characters = Array.from(name)
  if (characters.length <= MAX_NAME_LENGTH) return name
  const short = characters.slice(0, MAX_NAME_LENGTH).join('').trimEnd()
  const applied = repairs.report({
    code: 'workflow-name-too-long',
    place,
    message: `The name has ${characters.length} characters; n8n allows ${MAX_NAME_LENGTH}. Shorten it`,
    n8n: 'Workflow name must be 1 to 128 characters long.',
    fix: `Shorten it to its first ${MAX_NAME_LENGTH} characters`,
  })
  return applied ? short : name
}
