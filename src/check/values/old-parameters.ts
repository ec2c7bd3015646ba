/** @module Converts parameters of another typeVersion or node to the ones that n8n reads here. */
import { isContainer, isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { ownValue } from '../../n8n/catalogue/display-options.ts'
import type { PatchOperation } from '../../n8n/checks/finding.ts'
import { type CheckedNode, entriesOf } from '../model.ts'
import { patch, pointerAt, type Report } from '../report.ts'
import { isEmpty } from './empty.ts'
import { knowsParameter } from './fit.ts'
import {
  conditionOf,
  conditionOptions,
  mergeConversions,
  sheetsConversions,
  slackConversions,
  switchConversions,
} from './old-versions.ts'

type Code = 'parameter-of-other-version' | 'unknown-parameter' | 'parameter-switch-off'

export interface Conversion {
  /** Parameters that it replaces. */
  names: readonly string[]
  code: Code
  message: string
  /** New values by name. */
  set: JsonObject
  label: string
}

/** Reports each conversion at its first parameter. @returns the names that need no other check */
export function convertOldParameters(node: CheckedNode, report: Report): ReadonlySet<string> {
  const handled = new Set<string>()
  for (const conversion of conversionsOf(node)) {
    const [first] = conversion.names
    if (first === undefined || conversion.names.some((name) => handled.has(name))) continue
    for (const name of [...conversion.names, ...Object.keys(conversion.set)]) handled.add(name)
    const below = `${node.pointer}/parameters`
    const removed = conversion.names.filter((name) => !Object.hasOwn(conversion.set, name))
    const operations: PatchOperation[] = [
      ...removed
        .filter((name) => ownValue(node.parameters, name) !== undefined)
        .map((name) => ({ op: 'remove' as const, path: pointerAt(below, name) })),
      ...Object.entries(conversion.set).map(([name, value]) => ({
        op: 'add' as const,
        path: pointerAt(below, name),
        value,
      })),
    ]
    report.add(node, {
      code: conversion.code,
      level: 'warning',
      at: pointerAt('/parameters', first),
      message: conversion.message,
      fix: patch(conversion.label, operations),
    })
  }
  return handled
}

function* conversionsOf(node: CheckedNode): Generator<Conversion> {
  const { shortType, version } = node
  if (shortType === 'switch' && version >= 3) yield* switchConversions(node)
  else if (shortType === 'merge' && version >= 3) yield* mergeConversions(node)
  else if (shortType === 'googleSheets' && version >= 4) yield* sheetsConversions(node)
  else if (shortType === 'slack' && version >= 2) yield* slackConversions(node)
  if (shortType === 'set' && version >= 3) yield* setConversions(node)
  else if ((shortType === 'if' || shortType === 'filter') && version >= 2) yield* conditionConversions(node)
  else if (shortType.startsWith('httpRequest') && version >= 3) yield* requestConversions(node)
  else if (shortType === 'scheduleTrigger') yield* scheduleConversions(node)
  else yield* renames(node)
}

/** Names from other nodes and versions; the new one must not be set. */
const otherNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  function: { function: 'functionCode', jsCode: 'functionCode', code: 'functionCode' },
  code: { functionCode: 'jsCode', code: 'jsCode', javascriptCode: 'jsCode', script: 'jsCode' },
  webhook: { method: 'httpMethod' },
  respondToWebhook: { body: 'responseBody', response: 'responseBody' },
  gmail: {
    to: 'sendTo',
    toEmail: 'sendTo',
    toList: 'sendTo',
    recipient: 'sendTo',
    body: 'message',
    text: 'message',
  },
  postgres: { sql: 'query', statement: 'query' },
  mySql: { sql: 'query', statement: 'query' },
  emailSend: { to: 'toEmail', from: 'fromEmail', message: 'text', body: 'text' },
  telegram: { message: 'text' },
  slack: { message: 'text' },
  agent: { prompt: 'text', input: 'text' },
  chainLlm: { prompt: 'text', input: 'text' },
  httpRequest: { requestMethod: 'method', httpMethod: 'method', uri: 'url', endpoint: 'url' },
}

function* renames(node: CheckedNode): Generator<Conversion> {
  const { shortType, parameters, values, type, version, nodeType } = node
  for (const [old, name] of entriesOf(otherNames[shortType])) {
    const given = ownValue(parameters, old)
    const isList = Array.isArray(given) && given.every((each) => typeof each === 'string')
    const value = isList ? given.join(', ') : given
    if (typeof name !== 'string' || isContainer(value) || isEmpty(value) || !isEmpty(values.given(name)))
      continue
    if (values.displayed(old).length > 0 || values.displayed(name).length === 0) continue
    const isOld = nodeType?.versions.some((each) => each !== version && knowsParameter(node, old, each))
    yield {
      names: [old],
      code: isOld ? 'parameter-of-other-version' : 'unknown-parameter',
      message: isOld
        ? `${old} belongs to another version of this node. n8n ignores it in typeVersion ${version}. Use ${name}`
        : `${type} has no parameter ${old}. n8n ignores it. Use ${name}`,
      set: { [name]: value },
      label: `Rename it to ${name}`,
    }
  }
}

/** The time in a place where n8n does not read it: `rule.interval` has it. */
function* scheduleConversions({ parameters }: CheckedNode): Generator<Conversion> {
  const { rule, interval } = parameters
  if (!isEmpty(ownValue(rule, 'interval'))) {
    const entries = listOf(ownValue(rule, 'interval'))
    const converted = entries.map((each) => {
      const { cronExpression, ...others } = isObject(each) ? each : {}
      const expression = others['expression'] ?? cronExpression
      const isRead = isEmpty(cronExpression) && others['field'] !== undefined
      return isRead || !isCron(expression) ? each : { ...others, field: 'cronExpression', expression }
    })
    if (converted.every((each, index) => each === entries[index])) return
    yield {
      ...scheduled(['rule'], '', { ...(isObject(rule) && rule), interval: converted }),
      message: 'n8n reads a cron expression only from expression, with field set to cronExpression',
      label: 'Set field and expression',
    }
    return
  }
  const names = ['cronExpression', 'cron', 'expression', 'schedule']
  const places = [
    { name: 'rule', key: 'rule', value: rule },
    ...names.map((key) => ({ name: 'rule', key, value: ownValue(rule, key) })),
    ...names.map((key) => ({ name: key, key, value: ownValue(parameters, key) })),
  ]
  const found = places.find(({ value }) => isCron(value))
  if (found) {
    const entry = { field: 'cronExpression', expression: found.value }
    yield scheduled([...new Set([found.name, 'rule'])], found.key, { interval: [entry] })
  } else if (isEmpty(rule) && Array.isArray(interval) && interval.every(isObject)) {
    yield scheduled(['interval', 'rule'], 'interval', { interval })
  }
}

const scheduled = (names: readonly string[], key: string, rule: JsonObject): Conversion => ({
  names,
  code: 'unknown-parameter',
  message: `n8n does not read ${key} here. Use rule.interval`,
  set: { rule },
  label: 'Convert it to rule.interval',
})

const isCron = (value: unknown): value is string =>
  typeof value === 'string' && /^(?:[\d*/,\-A-Za-z?#]+\s+){4,5}[\d*/,\-A-Za-z?#]+$/.test(value.trim())

const kinds = ['string', 'number', 'boolean'] as const

function* setConversions({ parameters, version }: CheckedNode): Generator<Conversion> {
  const isNew = version >= 3.3
  const target = isNew ? 'assignments' : 'fields'
  if (!isEmpty(parameters[target])) return
  const { values: old, keepOnlySet, fields } = parameters
  const found: { name: unknown; value: unknown; type: string }[] = []
  const fromV2 = isObject(old) && Object.keys(old).every((kind) => kinds.some((each) => each === kind))
  if (fromV2 && !isEmpty(old)) {
    for (const [type, list] of Object.entries(old)) {
      for (const each of listOf(list)) {
        found.push({ name: ownValue(each, 'name'), value: ownValue(each, 'value') ?? '', type })
      }
    }
  } else if (isNew && isObject(fields)) {
    for (const each of listOf(fields.values)) {
      const given = ownValue(each, 'type')
      const type = typeof given === 'string' ? given.replace(/Value$/, '') : 'string'
      found.push({ name: ownValue(each, 'name'), value: ownValue(each, `${type}Value`) ?? '', type })
    }
  } else return
  if (found.length === 0 || found.some(({ name }) => typeof name !== 'string')) return
  const from = fromV2 ? 'values' : 'fields'
  const converted = isNew
    ? {
        assignments: {
          assignments: found.map((each, index) => ({ id: `assignment-${index + 1}`, ...each })),
        },
      }
    : {
        fields: {
          values: found.map(({ name, value, type }) => ({
            name,
            type: `${type}Value`,
            [`${type}Value`]: value,
          })),
        },
      }
  const keeps = fromV2 && isNew && keepOnlySet !== true && parameters.includeOtherFields === undefined
  yield {
    names: fromV2 ? ['values', 'keepOnlySet'] : ['fields'],
    code: 'parameter-of-other-version',
    message: `${from} belongs to an earlier version of this node. n8n ignores it in typeVersion ${version}, so the node sets nothing. Use ${target}`,
    set: { ...converted, ...(keeps && { includeOtherFields: true }) },
    label: `Convert ${from} to ${target}`,
  }
}

function* conditionConversions({ parameters, version }: CheckedNode): Generator<Conversion> {
  const { conditions: old, combineOperation, combineConditions } = parameters
  if (!isObject(old) || 'conditions' in old || Object.keys(old).length === 0) return
  const found: JsonObject[] = []
  for (const [type, list] of Object.entries(old)) {
    if (!Array.isArray(list)) return
    for (const each of list as unknown[]) {
      const { value1 = '', ...others } = isObject(each) ? each : {}
      const condition = conditionOf(type, value1, others, found.length)
      if (!condition) return
      found.push(condition)
    }
  }
  if (found.length === 0) return
  const combinator = combineOperation === 'any' || combineConditions === 'OR' ? 'or' : 'and'
  yield {
    names: ['conditions', 'combineOperation', 'combineConditions'],
    code: 'parameter-of-other-version',
    message: `The conditions have the form of typeVersion 1. In typeVersion ${version}, n8n finds no conditions in them, so every item passes`,
    set: {
      conditions: {
        options: conditionOptions(version >= 2.2 ? 2 : 1),
        conditions: found,
        combinator,
      },
    },
    label: 'Convert the conditions',
  }
}

interface RequestPart {
  /** Names that n8n does not read. */
  names: readonly string[]
  send: string
  specify: string
  list: string
  json: string
}

const requestParts: readonly RequestPart[] = [
  {
    names: [
      'body',
      'data',
      'json',
      'bodyParametersJson',
      'bodyParametersUi',
      'bodyJson',
      'requestBody',
      'bodyParameters',
    ],
    send: 'sendBody',
    specify: 'specifyBody',
    list: 'bodyParameters',
    json: 'jsonBody',
  },
  {
    names: [
      'headers',
      'header',
      'headerParametersJson',
      'headerParametersUi',
      'headersUi',
      'headerParameters',
    ],
    send: 'sendHeaders',
    specify: 'specifyHeaders',
    list: 'headerParameters',
    json: 'jsonHeaders',
  },
  {
    names: [
      'query',
      'qs',
      'params',
      'queryParams',
      'queryString',
      'queryParametersJson',
      'queryParametersUi',
      'queryParameters',
    ],
    send: 'sendQuery',
    specify: 'specifyQuery',
    list: 'queryParameters',
    json: 'jsonQuery',
  },
]

function* requestConversions(node: CheckedNode): Generator<Conversion> {
  const { parameters, values, type } = node
  for (const part of requestParts) {
    const { list, json } = part
    for (const name of part.names) {
      const value = ownValue(parameters, name)
      if (isEmpty(value)) continue
      // The list in its own form, or a body that n8n reads.
      const inForm = name === list && Array.isArray(ownValue(value, 'parameters'))
      if (inForm || (name !== list && values.displayed(name).length > 0)) continue
      if (name !== list && !isEmpty(parameters[list])) continue
      if (!isEmpty(parameters[json])) continue
      const set = sendable(value, part)
      if (!set) continue
      const { contentType } = parameters
      if (part.send === 'sendBody' && contentType !== undefined && contentType !== 'json') continue
      yield {
        names:
          name === 'bodyParametersJson' || name === 'bodyParametersUi' ? [name, 'jsonParameters'] : [name],
        code: 'unknown-parameter',
        message:
          name === list
            ? `${list} must be { "parameters": [ { "name": "…", "value": "…" } ] }. n8n sends none of it in this form`
            : `${type} does not read ${name}, so n8n does not send it. Set ${part.send} and ${Object.keys(set).at(-1)}`,
        set: {
          [part.send]: true,
          ...(part.send === 'sendBody' &&
            parameters.inputDataFieldName !== undefined && { contentType: 'json' }),
          ...set,
        },
        label: `Send it as ${Object.keys(set).at(-1)}`,
      }
      break
    }
  }
  yield* renames({ ...node, shortType: 'httpRequest' })
}

/** The parameters that send the value. */
function sendable(value: unknown, { specify, list, json }: RequestPart): JsonObject | undefined {
  if (typeof value === 'string') {
    if (!value.startsWith('=') && !isJsonObject(value)) return undefined
    return { [specify]: 'json', [json]: value }
  }
  if (!isContainer(value)) return undefined
  const pairs = pairsOf(value)
  const isText = pairs?.every(({ value: each }) => typeof each === 'string') ?? false
  if (pairs && (isText || list !== 'bodyParameters')) {
    const parameters = pairs.map(({ name, value: each }) => ({
      name,
      value: typeof each === 'string' ? each : String(each),
    }))
    return { [specify]: 'keypair', [list]: { parameters } }
  }
  // JSON would turn expressions into text.
  return containsExpression(value) ? undefined : { [specify]: 'json', [json]: JSON.stringify(value, null, 2) }
}

function pairsOf(value: unknown): { name: string; value: unknown }[] | undefined {
  const items = Array.isArray(value) ? value : (ownValue(value, 'parameter') ?? ownValue(value, 'parameters'))
  const pairs = Array.isArray(items)
    ? items.map((each: unknown) => ({ name: ownValue(each, 'name'), value: ownValue(each, 'value') }))
    : entriesOf(value).map(([name, each]) => ({ name, value: each }))
  const flat = pairs.flatMap(({ name, value: each }) =>
    typeof name === 'string' && !isContainer(each) ? [{ name, value: each }] : [],
  )
  return flat.length > 0 && flat.length === pairs.length ? flat : undefined
}

function containsExpression(value: unknown): boolean {
  if (typeof value === 'string') return value.startsWith('=') || value.includes('{{')
  return isContainer(value) && Object.values(value).some(containsExpression)
}

function isJsonObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object'
  } catch {
    return false
  }
}
