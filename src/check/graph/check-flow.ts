/** @module Checks which nodes run, and pairs of nodes that only work together. */
import { isExpression, ownValue } from '../../n8n/catalogue/display-options.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import { type CheckedNode, type Link, MAIN, type WorkflowModel } from '../model.ts'
import { patch, pointerAt, type Report } from '../report.ts'
import { cannotHave } from './chat-input.ts'
import { type Flow, isTrigger } from './flow.ts'
import { portsOf } from './ports.ts'

export function checkFlow(model: WorkflowModel, flow: Flow, report: Report): void {
  checkReachable(model, flow, report)
  checkResponses(model, report)
  checkLoops(model, report)
  for (const node of model.nodes) {
    if (!node.isEnabled) continue
    if (node.shortType === 'merge') checkMerge(node, model, report)
    if (node.shortType.startsWith('memory')) checkSession(node, flow, report)
    checkPrompt(node, flow, report)
  }
}

function checkReachable(model: WorkflowModel, flow: Flow, report: Report): void {
  // Without a trigger, that is the only finding.
  if (flow.triggers.length === 0) return
  const reachable = flow.reachable()
  for (const node of model.nodes) {
    if (node.isSticky || !node.isEnabled || reachable.has(node) || isTrigger(node)) continue
    // A duplicate name, or a sub-node that is wired the wrong way: reported as such.
    if (model.named(node.name) !== node || isMiswired(node, model)) continue
    const isAlone = model.incoming(node).length === 0 && model.outgoing(node).length === 0
    report.add(node, {
      code: 'unreachable-node',
      level: 'warning',
      message: isAlone
        ? 'The node has no connections, so n8n never runs it. Connect or remove it'
        : 'No trigger leads to this node, so n8n never runs it. Connect it to the flow',
    })
  }
}

const isMiswired = (node: CheckedNode, model: WorkflowModel): boolean =>
  portsOf(node).outputs?.every(({ type }) => type !== MAIN) === true &&
  [...model.outgoing(node), ...model.incoming(node)].some(({ type }) => type === MAIN)

const isResponder = ({ type, isEnabled }: CheckedNode): boolean =>
  type === 'n8n-nodes-base.respondToWebhook' && isEnabled

function checkResponses(model: WorkflowModel, report: Report): void {
  for (const node of model.nodes) {
    if (!node.isEnabled || node.type !== 'n8n-nodes-base.webhook' || !node.facts) continue
    const mode = node.values.get('responseMode') ?? 'onReceived'
    if (isExpression(mode)) continue
    const after = nodesAfter(node, model)
    const responders = after.filter(isResponder)
    const at = '/parameters/responseMode'
    if (mode === 'responseNode' && responders.length === 0) {
      report.add(node, {
        code: 'respond-node-missing',
        level: 'error',
        at,
        message:
          'The webhook waits for a Respond to Webhook node, but none follows. Add one, or change responseMode',
        n8n: 'No Respond to Webhook node found in the workflow',
      })
    } else if (mode !== 'responseNode' && mode !== 'streaming' && responders.length > 0) {
      if (after.some((each) => each.type === 'n8n-nodes-base.wait')) continue
      report.add(node, {
        code: 'respond-node-unused',
        level: 'error',
        at,
        message: `A Respond to Webhook node follows, but the webhook responds on its own. Set responseMode to responseNode`,
        n8n: 'Unused Respond to Webhook node found in the workflow',
        fix: patch('Set responseMode to responseNode', [
          { op: 'add', path: `${node.pointer}${at}`, value: 'responseNode' },
        ]),
      })
    }
  }
}

function nodesAfter(node: CheckedNode, model: WorkflowModel): CheckedNode[] {
  const found = new Set<CheckedNode>([node])
  const open = [node]
  for (let each = open.pop(); each; each = open.pop()) {
    for (const { target } of model.outgoing(each)) {
      if (found.has(target)) continue
      found.add(target)
      open.push(target)
    }
  }
  return [...found]
}

const isLoop = ({ type, isEnabled }: CheckedNode): boolean =>
  type === 'n8n-nodes-base.splitInBatches' && isEnabled

function checkLoops(model: WorkflowModel, report: Report): void {
  const inCycle = new Set<CheckedNode>()
  for (const cycle of cyclesOf(model)) {
    for (const node of cycle) inCycle.add(node)
    const members = new Set(cycle)
    const canEnd = cycle.some(
      (node) =>
        !node.isEnabled ||
        // Several outputs, or a node that can return no items.
        (portsOf(node).outputs?.filter(({ type }) => type === MAIN).length ?? 2) > 1 ||
        mayReturnNothing(node),
    )
    if (canEnd) continue
    const [first] = cycle
    report.add(first, {
      code: 'endless-loop',
      level: 'warning',
      message: `The loop through ${[...members]
        .slice(0, 4)
        .map(({ name }) => `"${shown(name)}"`)
        .join(', ')} has no exit. Add an If node or a Loop Over Items node`,
    })
  }
  for (const node of model.nodes) {
    if (isLoop(node) && node.version >= 2) checkLoopOutputs(node, model, report)
  }
}

/** Version 3 has the outputs done and loop; version 2 has loop and done. */
function checkLoopOutputs(node: CheckedNode, model: WorkflowModel, report: Report): void {
  const [done, loop] = node.version >= 3 ? [0, 1] : [1, 0]
  const links = model.outgoing(node).filter(({ type }) => type === MAIN)
  const fromLoop = links.filter(({ output }) => output === loop)
  const fromDone = links.filter(({ output }) => output === done)
  if (
    fromDone.some(({ target }) => leadsTo(target, node, model)) &&
    !fromLoop.some(({ target }) => leadsTo(target, node, model))
  ) {
    const isSwap = fromLoop.length === 0
    report.add(node, {
      code: 'loop-wired-to-done',
      level: 'error',
      message: `The loop starts at the done output (${done}), which n8n uses once at the end. Connect it to the loop output (${loop})`,
      fix: patch(isSwap ? 'Connect the loop output' : 'Swap the outputs', swapOutputs(node, model)),
    })
    return
  }
  const [body] = fromLoop
  if (body && !fromLoop.some(({ target }) => leadsTo(target, node, model))) {
    report.add(node, {
      code: 'loop-not-closed',
      level: 'warning',
      message:
        'Nothing leads back from the loop output to this node, so only the first batch is processed. Connect the end of the loop to it',
    })
  }
}

function swapOutputs(node: CheckedNode, model: WorkflowModel) {
  const path = pointerAt('/connections', node.name, MAIN)
  const connections = model.json.connections
  const slots = ownValue(ownValue(connections, node.name), MAIN)
  const [first, second, ...others] = Array.isArray(slots) ? (slots as unknown[]) : []
  return [{ op: 'replace' as const, path, value: [second ?? [], first ?? [], ...others] }]
}

function leadsTo(from: CheckedNode, to: CheckedNode, model: WorkflowModel): boolean {
  if (from === to) return true
  const found = new Set([from])
  const open = [from]
  for (let each = open.pop(); each; each = open.pop()) {
    for (const { target, type } of model.outgoing(each)) {
      if (type !== MAIN) continue
      if (target === to) return true
      if (found.has(target)) continue
      found.add(target)
      open.push(target)
    }
  }
  return false
}

/** Nodes whose output is certainly not empty; any other node ends a loop when it returns no items. */
const alwaysReturn = new Set([
  'set',
  'noOp',
  'wait',
  'httpRequest',
  'dateTime',
  'crypto',
  'renameKeys',
  'merge',
])
const mayReturnNothing = ({ shortType }: CheckedNode): boolean => !alwaysReturn.has(shortType)

/** Strongly connected components of the main connections with more than one node, or with a connection to itself. */
function* cyclesOf(model: WorkflowModel): Generator<CheckedNode[]> {
  const state = new Map<CheckedNode, { order: number; lowest: number; isOpen: boolean }>()
  const open: CheckedNode[] = []
  const linksOf = (node: CheckedNode): Link[] => model.outgoing(node).filter(({ type }) => type === MAIN)
  const visit = (node: CheckedNode) => {
    const entry = { order: state.size, lowest: state.size, isOpen: true }
    state.set(node, entry)
    open.push(node)
    return { node, entry, links: linksOf(node), next: 0 }
  }
  for (const root of model.nodes) {
    if (state.has(root)) continue
    const path = [visit(root)]
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const target = top.links[top.next]?.target
      if (target) {
        top.next += 1
        const known = state.get(target)
        if (!known) path.push(visit(target))
        else if (known.isOpen) top.entry.lowest = Math.min(top.entry.lowest, known.order)
        continue
      }
      path.pop()
      const { entry, node } = top
      const caller = path.at(-1)
      if (caller) caller.entry.lowest = Math.min(caller.entry.lowest, entry.lowest)
      if (entry.lowest < entry.order) continue
      const members = open.splice(open.lastIndexOf(node))
      for (const member of members) {
        const closed = state.get(member)
        if (closed) closed.isOpen = false
      }
      const isCycle = members.length > 1 || linksOf(node).some(({ target: to }) => to === node)
      if (isCycle) yield members
    }
  }
}

function checkMerge(node: CheckedNode, model: WorkflowModel, report: Report): void {
  const inputs = portsOf(node).inputs?.filter(({ type }) => type === MAIN).length
  if (inputs === undefined || inputs < 2) return
  const connected = new Set(
    model
      .incoming(node)
      .filter(({ type, input }) => type === MAIN && input < inputs)
      .map(({ input }) => input),
  )
  if (connected.size !== 1) return
  const links = model.incoming(node).filter(({ type }) => type === MAIN)
  const sources = new Set(links.map(({ source }) => source))
  if (links.some(({ input }) => input >= inputs)) return
  report.add(node, {
    code: 'merge-input-missing',
    level: 'warning',
    message:
      sources.size > 1
        ? `All connections end at the same input, so there is nothing to merge. Connect the others to input ${connected.has(0) ? 2 : 1}`
        : 'Only one input is connected, so there is nothing to merge. Connect another one',
  })
}

/** A memory that takes its session from a chat trigger, although none leads to it. */
function checkSession(node: CheckedNode, flow: Flow, report: Report): void {
  if (!node.facts || node.values.displayed('sessionIdType').length === 0) return
  const kind = node.values.get('sessionIdType')
  if (kind === 'customKey') {
    if (node.values.displayed('sessionKey').length > 0 && node.values.get('sessionKey') === '') {
      report.add(node, {
        code: 'memory-without-session',
        level: 'error',
        at: '/parameters/sessionKey',
        message: 'The memory has no session key. Set one, such as ={{ $json.sessionId }}',
        n8n: 'Key parameter is empty',
      })
    }
    return
  }
  if (kind !== 'fromInput' || !flow.isSubNode(node) || !cannotHave('sessionId', node, flow)) return
  report.add(node, {
    code: 'memory-without-session',
    level: 'warning',
    at: '/parameters/sessionIdType',
    message:
      'The memory takes its session from a Chat Trigger, but none leads here. Set sessionIdType to customKey, and set sessionKey',
    n8n: 'No session ID found',
  })
}

/** An agent or a chain that takes its prompt from a chat trigger, although none leads to it. */
function checkPrompt(node: CheckedNode, flow: Flow, report: Report): void {
  if (!node.facts || !node.type.startsWith('@n8n/') || flow.isSubNode(node)) return
  if (node.values.displayed('promptType').length === 0 || node.values.get('promptType') !== 'auto') return
  if (!cannotHave('chatInput', node, flow)) return
  report.add(node, {
    code: 'missing-prompt',
    level: 'warning',
    at: '/parameters/promptType',
    message:
      'The node takes its prompt from a Chat Trigger, but none leads here. Set promptType to define, and set text',
    n8n: 'No prompt specified',
  })
}
