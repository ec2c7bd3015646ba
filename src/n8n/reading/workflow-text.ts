/**
 * @module Reads workflows in the forms that people and AI send: in a code fence, surrounded by text, wrapped, as a JSON
 * string, or with numbers that JavaScript cannot represent. Rejects ambiguous input with its position.
 */
import { AppError } from '../../errors.ts'
import {
  describeJsonFault,
  inexactNumbers,
  jsonSpans,
  MAX_CONTAINERS,
  measureJson,
  quoteOverflow,
} from '../../lib/json-text.ts'
import type { WorkflowWarning } from './metadata.ts'
import { type FoundWorkflow, findWorkflows } from './workflow-json.ts'
import { isObject } from '../../lib/json-object.ts'

export interface WorkflowText {
  workflows: FoundWorkflow[]
  /** The JSON without surrounding text. */
  source: string
  /** Descriptions of the removed text. */
  stripped: string[]
}

export interface ReadWorkflow {
  /** Still needs `parseWorkflow`. */
  workflow: unknown
  /** Removed text and numbers stored with another value. */
  findings: WorkflowWarning[]
}

const MAX_INEXACT = 50
const MAX_SHOWN_DIGITS = 60

const refused = (detail: string, pointer = ''): AppError =>
  new AppError('invalid-workflow', detail, { errors: [{ pointer, detail }] })

/**
 * Returns the workflows in JSON text, or in text that contains exactly one JSON value with workflows.
 * @throws {AppError} `invalid-workflow` with line and column, never with the text
 */
export function workflowsInText(text: string): WorkflowText {
  const source = text.startsWith('\ufeff') ? text.slice(1) : text
  const stripped = source === text ? [] : ['a byte order mark']
  if (measureJson(source).containers > MAX_CONTAINERS) {
    throw refused('has more than 250,000 arrays and objects')
  }
  const whole = parsed(source)
  if (typeof whole === 'string' && whole.includes('{')) {
    const inner = workflowsInText(whole)
    return { ...inner, stripped: [...stripped, 'JSON string quotes', ...inner.stripped] }
  }
  if (whole !== undefined) return { workflows: findWorkflows(whole), source, stripped }
  return workflowsAmidText(source, stripped)
}

function workflowsAmidText(text: string, stripped: string[]): WorkflowText {
  let found: { workflows: FoundWorkflow[]; start: number; end: number } | undefined
  for (const { start, end } of jsonSpans(text)) {
    if (end === null) throw refused(`Not JSON${describeJsonFault(text, start)}`)
    const source = text.slice(start, end)
    const value = parsed(source)
    if (value === undefined) {
      if (source.includes('"nodes"')) throw refused(`Not JSON${describeJsonFault(text, start, end)}`)
      continue
    }
    const workflows = workflowsOrNone(value)
    if (!workflows) continue
    if (found) throw refused('The text contains several workflows. Send one at a time')
    found = { workflows, start, end }
  }
  if (!found) throw refused(`Not JSON${describeJsonFault(text, Math.max(0, text.search(/[{[]/)))}`)
  const around = [text.slice(0, found.start), text.slice(found.end)]
  const fence = /^[ \t]*(?:`{3,}|~{3,})[^\n]*$|`{3,}(?:json)?|`/gm
  const hasFence = around.some((part) => /`|~~~/.test(part))
  const hasText = around.some((part) => part.replaceAll(fence, '').trim() !== '')
  return {
    workflows: found.workflows,
    source: text.slice(found.start, found.end),
    stripped: [
      ...stripped,
      ...(hasFence ? ['a code fence'] : []),
      ...(hasText ? ['text around the JSON'] : []),
    ],
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    const finite = quoteOverflow(text)
    return finite === text ? value : JSON.parse(finite)
  } catch {
    return undefined
  }
}

function workflowsOrNone(value: unknown): FoundWorkflow[] | undefined {
  try {
    return findWorkflows(value)
  } catch {
    return undefined
  }
}

/**
 * Returns the only workflow in the text.
 * @param severalDetail error detail if there are several
 * @throws {AppError} `invalid-workflow` as in `workflowsInText`, or if there are several
 */
export function readWorkflowText(text: string, severalDetail = sendOne): ReadWorkflow {
  const { workflows, source, stripped } = workflowsInText(text)
  const { value, pointer } = onlyOne(workflows, severalDetail)
  const hints = [...stripped, ...(pointer === '' ? [] : [`the wrapper (${pointer})`])]
  return { workflow: value, findings: [...unwrapped(hints), ...inexact(value, source, pointer)] }
}

/**
 * Returns the only workflow in the member `workflow` of a body: an object, a wrapper (object or array), or text.
 * @param bodyText the raw body
 * @throws {AppError} `invalid-workflow` with pointers into the body
 */
export function readWorkflowMember(member: unknown, bodyText: string): ReadWorkflow {
  const base = '/workflow'
  if (typeof member === 'string') {
    const { workflow, findings } = withBase(base, () => readWorkflowText(member))
    const hints = findings.some(({ code }) => code === 'unwrapped-json')
      ? []
      : unwrapped(['JSON string quotes'])
    return { workflow, findings: [...hints, ...findings] }
  }
  // An object that wraps nothing is validated as a workflow.
  if (isObject(member) && !wrapsSomething(member)) {
    return { workflow: member, findings: inexact(member, bodyText, base) }
  }
  const { value, pointer } = withBase(base, () => onlyOne(findWorkflows(member)))
  return {
    workflow: value,
    findings: [
      ...unwrapped(pointer === '' ? [] : [`the wrapper (${pointer})`]),
      ...inexact(value, bodyText, base + pointer),
    ],
  }
}

const wrapsSomething = (member: Record<string, unknown>): boolean =>
  !Array.isArray(member.nodes) && workflowsOrNone(member) !== undefined

const sendOne = (count: number): string => `contains ${count} workflows. Send one at a time`

function onlyOne(workflows: FoundWorkflow[], severalDetail = sendOne): FoundWorkflow {
  const [first, second] = workflows
  if (!first || second) throw refused(severalDetail(workflows.length))
  return first
}

function withBase<T>(base: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const errors = (error.errors ?? []).map(({ pointer, detail }) => ({ pointer: base + pointer, detail }))
    throw new AppError(error.code, error.message, { errors })
  }
}

const unwrapped = (what: string[]): WorkflowWarning[] =>
  what.length === 0
    ? []
    : [
        {
          code: 'unwrapped-json',
          level: 'hint',
          pointer: '',
          message: `Removed from the input: ${what.join(', ')}`,
        },
      ]

/** The numbers below `base` in `text` that JavaScript, and therefore n8n, reads as another value. */
function inexact(workflow: unknown, text: string, base: string): WorkflowWarning[] {
  return inexactNumbers(text)
    .filter(({ pointer }) => pointer.startsWith(`${base}/`))
    .slice(0, MAX_INEXACT)
    .map(({ source, pointer: inText }): WorkflowWarning => {
      const pointer = inText.slice(base.length)
      const finding = {
        code: 'inexact-number',
        level: 'warning',
        pointer,
        message: inexactMessage(source),
      } as const
      const node = nodeName(workflow, pointer)
      return node === undefined ? finding : Object.assign(finding, { node })
    })
}

function inexactMessage(source: string): string {
  const shown = source.length > MAX_SHOWN_DIGITS ? `${source.slice(0, MAX_SHOWN_DIGITS)}…` : source
  const value = Number(source)
  return Number.isFinite(value)
    ? `${shown} has more digits than n8n can represent, so it is stored as ${value}. To preserve every digit, write it as a string: "${shown}"`
    : `${shown} is larger than any number n8n can represent, so it is stored as the string "${shown}". Use a smaller number`
}

function nodeName(workflow: unknown, pointer: string): string | undefined {
  const index = /^\/nodes\/(\d{1,6})\//.exec(pointer)?.[1]
  const nodes = isObject(workflow) && Array.isArray(workflow.nodes) ? workflow.nodes : []
  const node: unknown = nodes[Number(index)]
  return isObject(node) && typeof node.name === 'string' ? node.name.slice(0, 120) : undefined
}
