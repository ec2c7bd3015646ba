/** @module Checks connections against the inputs and outputs of both nodes. */
import { shown } from '../../n8n/structure/repairs.ts'
import type { ConnectionFacts } from '../facts/node-facts.ts'
import { type CheckedNode, type Link, MAIN, type WorkflowModel } from '../model.ts'
import { patch, pointerAt, type Report } from '../report.ts'
import { countsOf, portsOf } from './ports.ts'
import { isTrigger } from './flow.ts'

const knownKinds = new Set(
  'main ai_agent ai_chain ai_document ai_embedding ai_languageModel ai_memory ai_outputParser ai_reranker ai_retriever ai_textSplitter ai_tool ai_vectorRetriever ai_vectorStore'.split(
    ' ',
  ),
)

export function checkConnections(model: WorkflowModel, report: Report): void {
  for (const link of model.links) checkLink(link, model, report)
  for (const node of model.nodes) {
    if (node.isEnabled && node.facts) checkInputs(node, model, report)
  }
}

const quoted = (node: CheckedNode): string => `"${shown(node.name)}"`
const has = (ports: readonly ConnectionFacts[] | undefined, type: string): boolean =>
  countsOf(ports).has(type)

function checkLink(link: Link, model: WorkflowModel, report: Report): void {
  const { source, target, type, inputType } = link
  // Reported at the node to change.
  const at: Add = (finding, node = source) => report.add({ ...node, pointer: link.pointer }, finding)
  if (!knownKinds.has(type) || !knownKinds.has(inputType)) {
    const wrong = knownKinds.has(type) ? inputType : type
    const isMain = wrong.toLowerCase() === MAIN && has(portsOf(source).outputs, MAIN)
    const kind = isMain && has(portsOf(target).inputs, MAIN) ? MAIN : kindBetween(source, target)
    at({
      code: 'unknown-connection-type',
      level: 'error',
      message: `n8n has no connection type ${shown(wrong)}. Use ${kind ?? 'main, or a type such as ai_tool'}`,
      fix:
        kind === undefined
          ? undefined
          : patch(`Connect it as ${kind}`, moved(link, model, source.name, kind, target.name)),
    })
    return
  }
  if (type !== inputType) {
    at({
      code: 'connection-type-mismatch',
      level: 'warning',
      message: `The connection starts as ${type} and ends as ${inputType}. Both ends must have the same type`,
      fix:
        has(portsOf(target).inputs, type) && has(portsOf(source).outputs, type)
          ? patch(`Connect it as ${type}`, [{ op: 'add', path: `${link.pointer}/type`, value: type }])
          : undefined,
    })
    return
  }
  const [outputs, inputs] = [portsOf(source).outputs, portsOf(target).inputs]
  if (outputs && !has(outputs, type)) return checkKind(link, model, at)
  if (inputs && !has(inputs, type)) return checkUnused(link, at)
  checkIndexes(link, model, at)
}

type Add = (finding: Omit<Parameters<Report['add']>[1], 'at'>, node?: CheckedNode) => void

/** The source has no output of this type. */
function checkKind(link: Link, model: WorkflowModel, at: Add): void {
  const { source, target, type } = link
  const { outputs: targetOutputs } = portsOf(target)
  const kind = kindBetween(source, target)
  if (type === MAIN && kind !== undefined) {
    at({
      code: 'sub-node-by-main',
      level: 'error',
      message: `${quoted(source)} must be connected to ${quoted(target)} as ${kind}, not main. n8n does not use it this way`,
      fix: patch(`Connect it as ${kind}`, moved(link, model, source.name, kind, target.name)),
    })
    return
  }
  const backwards =
    has(targetOutputs, type) && (has(portsOf(source).inputs, type) || flagFor(source, type) !== undefined)
      ? [type]
      : [...countsOf(targetOutputs).keys()].filter(
          (each) => each !== MAIN && has(portsOf(source).inputs, each),
        )
  const [back] = backwards
  if (back !== undefined && back !== MAIN && backwards.length === 1) {
    at({
      code: 'connection-reversed',
      level: 'error',
      message: `The connection must start at ${quoted(target)} and end at ${quoted(source)}: a sub-node connects to the node that uses it`,
      fix: patch('Reverse the connection', moved(link, model, target.name, back, source.name)),
    })
    return
  }
  const asTool = type === 'ai_tool' && source.facts?.usableAsTool ? `${source.type}Tool` : undefined
  if (asTool !== undefined) {
    at({
      code: 'connection-type-not-available',
      level: 'warning',
      message: `${quoted(source)} is not a tool, so n8n does not use the connection to ${quoted(target)}. Set its type to ${asTool}`,
      fix: patch(`Set its type to ${asTool}`, [
        { op: 'replace', path: `${source.pointer}/type`, value: asTool },
      ]),
    })
    return
  }
  at({
    code: 'connection-type-not-available',
    level: 'warning',
    message: `${quoted(source)} has no ${type} output, so n8n does not use the connection to ${quoted(target)}${kind === undefined ? '' : `. Connect it as ${kind}`}`,
    fix:
      kind === undefined
        ? undefined
        : patch(`Connect it as ${kind}`, moved(link, model, source.name, kind, target.name)),
  })
}

/** The one type, other than main, that connects the two. */
function kindBetween(source: CheckedNode, target: CheckedNode): string | undefined {
  const { inputs } = portsOf(target)
  const kinds = [...countsOf(portsOf(source).outputs).keys()].filter(
    (each) => each !== MAIN && (has(inputs, each) || flagFor(target, each) !== undefined),
  )
  return kinds.length === 1 ? kinds[0] : undefined
}

/** The target has no input of this type. */
function checkUnused(link: Link, at: Add): void {
  const { source, target, type } = link
  const { outputs } = portsOf(target)
  const { inputs } = portsOf(source)
  const backwards = [...countsOf(outputs).keys()].filter((each) => each !== MAIN && has(inputs, each))
  if (type === MAIN && backwards.length === 1 && !has(outputs, MAIN)) {
    const [back] = backwards
    at({
      code: 'connection-reversed',
      level: 'error',
      message: `The connection must start at ${quoted(target)} and end at ${quoted(source)} as ${back}: a sub-node connects to the node that uses it`,
    })
    return
  }
  const flag = flagFor(target, type)
  at(
    {
      code: 'connection-type-not-available',
      level: 'warning',
      message:
        flag === undefined
          ? `${quoted(target)} has no ${type} input${isTrigger(target) ? ', because it is a trigger' : ''}. n8n does not use the connection from ${quoted(source)}`
          : `${quoted(target)} does not use ${quoted(source)} unless ${flag} is true`,
      fix:
        flag === undefined
          ? undefined
          : patch(`Set ${flag} to true`, [
              { op: 'add', path: `${target.pointer}/parameters/${flag}`, value: true },
            ]),
    },
    target,
  )
}

/** The parameter that adds an input of this type. */
function flagFor({ values, json }: CheckedNode, type: string): string | undefined {
  const name = type === 'ai_outputParser' ? 'hasOutputParser' : undefined
  if (name === undefined || values.displayed(name).length === 0 || json.parameters === undefined)
    return undefined
  return values.get(name) === false ? name : undefined
}

/** Operations that replace the connection with another one. */
function moved(link: Link, model: WorkflowModel, from: string, type: string, to: string) {
  const connections = model.json.connections as Record<string, Record<string, unknown[]>>
  const base = pointerAt('/connections', from)
  const target = { node: to, type, index: 0 }
  const byType = Object.hasOwn(connections, from) ? connections[from] : undefined
  const outputs = byType && Object.hasOwn(byType, type) ? byType[type] : undefined
  const add = !byType
    ? { op: 'add' as const, path: base, value: { [type]: [[target]] } }
    : !Array.isArray(outputs)
      ? { op: 'add' as const, path: pointerAt(base, type), value: [[target]] }
      : Array.isArray(outputs[0])
        ? { op: 'add' as const, path: pointerAt(base, type, 0, '-'), value: target }
        : outputs.length > 0
          ? { op: 'replace' as const, path: pointerAt(base, type, 0), value: [target] }
          : { op: 'add' as const, path: pointerAt(base, type), value: [[target]] }
  return [{ op: 'remove' as const, path: link.pointer }, add]
}

function checkIndexes(link: Link, model: WorkflowModel, at: Add): void {
  const { source, target, type, output, input } = link
  const [outputs, inputs] = [portsOf(source).outputs, portsOf(target).inputs]
  const outputCount = outputs && (countsOf(outputs).get(type) ?? 0)
  if (outputCount !== undefined && output >= outputCount && type === MAIN) {
    const { remedy, fix } = output === outputCount ? extraOutput(source) : {}
    at({
      code: 'output-index-out-of-range',
      level: 'warning',
      message:
        `${quoted(source)} has ${counted(outputCount, 'output')}, but a connection starts at output ${output + 1}. No data reaches ${quoted(target)} through it` +
        (remedy === undefined ? '' : `. ${remedy}`),
      fix,
    })
  }
  const inputCount = inputs && (countsOf(inputs).get(type) ?? 0)
  if (inputCount !== undefined && type === MAIN && (input >= inputCount || input < 0)) {
    at(
      {
        code: 'input-index-out-of-range',
        level: 'warning',
        message: `${quoted(target)} has ${counted(inputCount, 'input')}, but a connection ends at input ${input + 1}. n8n does not use it`,
        fix: inputFix(link, inputCount, model),
      },
      target,
    )
  }
}

/** How the node gets one more output. */
function extraOutput({ shortType, facts, json, values, pointer }: CheckedNode) {
  if (shortType === 'switch' && values.get('mode') === 'rules') {
    if (values.given('rules') === undefined) return {}
    return { remedy: 'For items that match no rule, set fallbackOutput to extra' }
  }
  if (shortType === 'filter') return { remedy: 'For items that do not match, use an If node' }
  if (json.onError === 'continueErrorOutput') return {}
  // A node that uses credentials calls a service, which can fail.
  const isCertain = json.onError === undefined && (facts?.credentials ?? []).length > 0
  return {
    remedy: 'For an error output, set onError to continueErrorOutput',
    fix: isCertain
      ? patch('Set onError to continueErrorOutput', [
          { op: 'add', path: `${pointer}/onError`, value: 'continueErrorOutput' },
        ])
      : undefined,
  }
}

/** To the one input that is free; otherwise the node gets more inputs, if it can. */
function inputFix({ target, pointer, type, input }: Link, count: number, model: WorkflowModel) {
  const { free, outside, most } = model.once(target, `inputs ${type}`, () => {
    const used = model.incoming(target).filter((each) => each.type === type)
    const taken = new Set(used.map((each) => each.input))
    const beyond = used.map((each) => each.input).filter((each) => each >= count || each < 0)
    return {
      free: Array.from({ length: Math.min(count, 10) }, (_, index) => index).filter(
        (each) => !taken.has(each),
      ),
      outside: beyond.length,
      most: beyond.reduce((highest, each) => Math.max(highest, each), -1) + 1,
    }
  })
  const [only, another] = free
  if (only !== undefined && another === undefined && outside === 1) {
    return patch(`Connect input ${only + 1}`, [{ op: 'add', path: `${pointer}/index`, value: only }])
  }
  const canGrow = target.shortType === 'merge' && target.values.displayed('numberInputs').length > 0
  if (only !== undefined || !canGrow || input < 0 || most > 10) return undefined
  return patch(`Give it ${most} inputs`, [
    { op: 'add', path: `${target.pointer}/parameters/numberInputs`, value: most },
  ])
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

function checkInputs(node: CheckedNode, model: WorkflowModel, report: Report): void {
  const { inputs } = portsOf(node)
  if (!inputs) return
  const incoming = model.incoming(node).filter(({ source }) => source.isEnabled)
  // A node that nothing uses is reported as unreachable.
  const isUsed = isTrigger(node) || incoming.length > 0 || model.outgoing(node).length > 0
  if (!isUsed) return
  const kinds = new Set(inputs.filter(({ type }) => type !== MAIN).map(({ type }) => type))
  const hasParser = incoming.some(({ type }) => type === 'ai_outputParser')
  if (node.values.given('hasOutputParser') === true && kinds.has('ai_outputParser') && !hasParser) {
    report.add(node, {
      code: 'output-parser-missing',
      level: 'hint',
      at: '/parameters/hasOutputParser',
      message: `No output parser is connected to ${quoted(node)}, so its output is plain text. Connect one, or set hasOutputParser to false`,
    })
  }
  for (const kind of kinds) {
    const ports = inputs.filter(({ type }) => type === kind)
    const required = ports.filter((port) => port.required).length
    const label = ports[0]?.displayName
    const sources = incoming.filter(({ type }) => type === kind)
    if (sources.length < required) {
      report.add(node, {
        code: 'missing-ai-input',
        level: 'error',
        message:
          sources.length === 0
            ? `${quoted(node)} needs ${namesOf[kind] ?? kind}: connect an enabled node to its ${kind} input`
            : `${quoted(node)} needs ${required} nodes at its ${kind} inputs; it has ${sources.length}. Connect the others`,
        n8n: label && sources.length === 0 ? `A ${label} sub-node must be connected and enabled` : undefined,
      })
    }
    const limits = ports.map(({ maxConnections }) => maxConnections ?? Infinity)
    const most = limits.reduce((sum, each) => sum + each, 0)
    if (sources.length > most) {
      report.add(node, {
        code: 'too-many-connections',
        level: 'error',
        message: `${quoted(node)} accepts ${counted(most, 'node')} at its ${kind} input${most === 1 ? '' : 's'}, but ${sources.length} are connected. Disconnect the others`,
      })
    }
  }
}

const namesOf: Readonly<Record<string, string>> = {
  ai_languageModel: 'a language model',
  ai_embedding: 'an embedding model',
  ai_document: 'a document loader',
  ai_vectorStore: 'a vector store',
  ai_memory: 'a memory',
  ai_retriever: 'a retriever',
  ai_textSplitter: 'a text splitter',
  ai_reranker: 'a reranker',
}
