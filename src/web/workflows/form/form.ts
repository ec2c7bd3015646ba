/** @module Parses the forms that create and edit a workflow. */
import { isContainer } from '../../../lib/json-object.ts'
import { isObject } from '../../../lib/json-object.ts'
import { lineAndColumn, placesOf } from '../../../lib/json-place.ts'
import { AppError, type ErrorCode, type FieldError } from '../../../errors.ts'
import { bodyLimits, check } from '../../../http/validate.ts'
import type { WorkflowWarning } from '../../../n8n/reading/metadata.ts'
import { parseWorkflow } from '../../../n8n/reading/workflow-json.ts'
import { type ReadWorkflow, readWorkflowText, workflowsInText } from '../../../n8n/reading/workflow-text.ts'
import { NewWorkflow, type Workflow, WorkflowChange } from '../../../workflows/contract.ts'

/** A form escapes most characters of JSON, which then take three bytes each. */
export const formLimitBytes = 4 * bodyLimits.workflow

/** Errors that a form shows. The error page shows all others. */
export const formCodes: readonly ErrorCode[] = ['invalid', 'invalid-workflow', 'too-large', 'quota-exceeded']

/** Describes the removed text around a pasted workflow. Follows another sentence. */
export const removedText = (findings: readonly WorkflowWarning[]): string =>
  findings.flatMap(({ code, message }) => (code === 'unwrapped-json' ? [` ${message}.`] : [])).join('')

export const formFields = [
  'name',
  'description',
  'tags',
  'prompt',
  'model',
  'dataRetentionDays',
  'workflow',
] as const
export type WorkflowField = (typeof formFields)[number]

/** `place`: line and column in the pasted text, if known. */
export interface Fault extends FieldError {
  place: string | null
}

export interface WorkflowFormState {
  values: Partial<Record<WorkflowField, string>>
  /** By field; '' is the form as a whole. */
  errors: Partial<Record<WorkflowField | '', string>>
  /** Faults in the n8n JSON, by JSON pointer. */
  faults: Fault[]
}

export const blankForm: WorkflowFormState = { values: {}, errors: {}, faults: [] }

/** Converts line breaks to LF, because browsers send CRLF. */
export const readValues = (form: URLSearchParams): WorkflowFormState['values'] =>
  Object.fromEntries(
    formFields.flatMap((name) => {
      const value = form.get(name)
      return value === null ? [] : [[name, value.replaceAll('\r\n', '\n')]]
    }),
  )

export const jsonText = (workflow: unknown): string => JSON.stringify(workflow, null, 2)

export const valuesOf = (workflow: Workflow): WorkflowFormState['values'] => ({
  name: workflow.name,
  description: workflow.description ?? '',
  tags: workflow.tags.join(', '),
  prompt: workflow.prompt ?? '',
  model: workflow.model ?? '',
  dataRetentionDays: workflow.dataRetentionDays === null ? '' : String(workflow.dataRetentionDays),
  workflow: jsonText(workflow.workflow),
})

interface Read<Body> {
  body: Body
  /** Findings about the pasted text. */
  findings: WorkflowWarning[]
}

/** @throws {AppError} `invalid`, `invalid-workflow` */
export function toNewWorkflow(values: WorkflowFormState['values']): Read<NewWorkflow> {
  const name = values.name?.trim()
  const { workflow, findings } = readPasted(values.workflow ?? '')
  return { body: check(NewWorkflow, { workflow, ...(name && { name }), ...texts(values) }, 'json'), findings }
}

/**
 * Returns only the fields that differ from `current`, so that line breaks and spaces that a browser changes do not count
 * as changes.
 * @throws {AppError} `invalid`, `invalid-workflow`
 */
export function toChange(values: WorkflowFormState['values'], current: Workflow): Read<WorkflowChange> {
  const before = valuesOf(current)
  const changed = Object.fromEntries(
    formFields
      .filter((name) => values[name] !== undefined && values[name].trim() !== (before[name] ?? '').trim())
      .map((name) => [name, values[name]]),
  )
  // An empty field keeps the workflow.
  const pasted = changed.workflow?.trim() ? readPasted(changed.workflow) : undefined
  const body = check(
    WorkflowChange,
    {
      ...(changed.name !== undefined && { name: changed.name }),
      ...texts(changed),
      ...(pasted && { workflow: pasted.workflow }),
    },
    'json',
  )
  return { body, findings: pasted?.findings ?? [] }
}

function texts(values: WorkflowFormState['values']) {
  const { description, tags, prompt, model, dataRetentionDays: days } = values
  return {
    ...(description !== undefined && { description: description.trim() || null }),
    ...(prompt !== undefined && { prompt: prompt.trim() || null }),
    ...(model !== undefined && { model: model.trim() || null }),
    ...(tags !== undefined && {
      tags: tags
        .split(/[,\n]/)
        .map((tag) => tag.trim())
        .filter(Boolean),
    }),
    ...(days !== undefined && { dataRetentionDays: days.trim() === '' ? null : Number(days) }),
  }
}

const jsonPointer = '/workflow'

const invalidJson = (detail: string, pointer = '/workflow') =>
  new AppError('invalid-workflow', detail, { errors: [{ pointer, detail }] })

/** @throws {AppError} `invalid-workflow`, without the pasted text */
function readPasted(text: string): ReadWorkflow {
  if (text.trim() === '')
    throw invalidJson('Paste the JSON of a workflow. In n8n, select Download, or press Ctrl+A and Ctrl+C')
  const read = readRepaired(text)
  const faults = untypedNodes(read.workflow)
  if (faults.length > 0) {
    // Faults that make it no workflow at all come first.
    parseWorkflow(read.workflow, { pointerPrefix: jsonPointer })
    throw new AppError('invalid-workflow', 'Nodes without a type', { errors: faults })
  }
  return read
}

const readOne = (text: string): ReadWorkflow =>
  readWorkflowText(
    text,
    (count) => `Found ${count} workflows. Paste one at a time, or import them with the command line`,
  )

/** Replaces typographic quotes if the text has no straight ones, so that no text inside a value changes. */
function readRepaired(text: string): ReadWorkflow {
  const quotes = /[\u201c-\u201f\u00ab\u00bb]/g
  if (text.includes('"') || !quotes.test(text)) return readOne(text)
  try {
    const { workflow, findings } = readOne(text.replace(quotes, '"'))
    const message = 'Replaced typographic quotes'
    return {
      workflow,
      findings: [{ code: 'unwrapped-json', level: 'hint', pointer: '', message }, ...findings],
    }
  } catch {
    return readOne(text)
  }
}

const maxFaults = 20

/** The API stores such nodes with findings; in a form, they are a mistake. */
function untypedNodes(workflow: unknown): FieldError[] {
  const nodes = isObject(workflow) && Array.isArray(workflow.nodes) ? workflow.nodes : []
  return nodes
    .flatMap((node: unknown, index) =>
      isObject(node) && (typeof node.type !== 'string' || node.type === '')
        ? [{ pointer: `/workflow/nodes/${index}`, detail: 'needs a type, such as n8n-nodes-base.webhook' }]
        : [],
    )
    .slice(0, maxFaults)
}

/** @param values the submitted values, which the form shows again */
export function failedForm(values: WorkflowFormState['values'], error: AppError): WorkflowFormState {
  const errors: WorkflowFormState['errors'] = {}
  const inJson: FieldError[] = []
  for (const { pointer, detail } of error.errors ?? []) {
    const field = formFields.find((name) => pointer === `/${name}` || pointer.startsWith(`/${name}/`))
    if (field === 'workflow' || error.code === 'invalid-workflow') {
      const inside = pointer.startsWith(jsonPointer) ? pointer.slice(jsonPointer.length) : pointer
      if (inside === '') errors.workflow ??= /^[a-z]/.test(detail) ? `The JSON ${detail}` : detail
      else inJson.push({ pointer: inside, detail })
    } else errors[field ?? ''] ??= detail
  }
  const faults = placed(values.workflow ?? '', inJson)
  if (faults.length > 0) errors.workflow ??= 'Fix the problems in this JSON'
  if (Object.keys(errors).length === 0) errors[error.code === 'too-large' ? 'workflow' : ''] = error.message
  return { values, errors, faults }
}

/** Adds the line and column of each fault, or of the value that contains it. */
function placed(text: string, faults: readonly FieldError[]): Fault[] {
  const parentOf = (pointer: string) => pointer.slice(0, pointer.lastIndexOf('/'))
  try {
    const { source, workflows } = workflowsInText(text)
    const start = text.indexOf(source)
    const base = workflows[0]?.pointer ?? ''
    const pointers = faults.flatMap(({ pointer }) => [base + pointer, base + parentOf(pointer)])
    const places = placesOf(source, pointers)
    return faults.map(({ pointer, detail }) => {
      const at = places.get(base + pointer) ?? places.get(base + parentOf(pointer))
      return {
        pointer,
        detail,
        place: at === undefined || start < 0 ? null : lineAndColumn(text, start + at),
      }
    })
  } catch {
    return faults.map(({ pointer, detail }) => ({ pointer, detail, place: null }))
  }
}

/** The name of the node at a pointer such as `/nodes/3/name` in the pasted JSON. */
export function nodeAt(text: string | undefined, pointer: string): string | null {
  const index = /^\/nodes\/(\d{1,6})(?:\/|$)/.exec(pointer)?.[1]
  if (index === undefined || text === undefined) return null
  try {
    const workflow = workflowsInText(text).workflows[0]?.value as { nodes: unknown[] } | undefined
    const node = workflow?.nodes[Number(index)]
    const name = isContainer(node) && 'name' in node ? node.name : null
    return typeof name === 'string' && name !== '' ? name.slice(0, 80) : null
  } catch {
    return null
  }
}
