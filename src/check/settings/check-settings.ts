/** @module Checks settings of the workflow and of its nodes that n8n accepts but does not follow. */
import { isObject } from '../../lib/json-object.ts'
import { subWorkflowRefs } from '../../n8n/reading/sub-workflow-refs.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import type { CheckedNode, WorkflowModel } from '../model.ts'
import { patch, replacement, type Report } from '../report.ts'
import { closest } from '../values/closest.ts'
import { placeholderIn } from '../values/placeholders.ts'

/** Milliseconds. */
const longestWait = 5000
const onErrorValues = ['stopWorkflow', 'continueRegularOutput', 'continueErrorOutput']
const executionOrders = new Set(['v0', 'v1'])

export function checkSettings(model: WorkflowModel, report: Report): void {
  const { settings } = model.json
  if (isObject(settings)) {
    const { executionOrder, timezone, errorWorkflow } = settings
    if (typeof executionOrder === 'string' && !executionOrders.has(executionOrder)) {
      report.add(undefined, {
        code: 'unknown-execution-order',
        level: 'warning',
        at: '/settings/executionOrder',
        message: `n8n has no execution order ${shown(JSON.stringify(executionOrder))} and runs branches in the old order, v0. Use v1`,
        fix: replacement('Set it to "v1"', '/settings/executionOrder', 'v1'),
      })
    }
    if (typeof timezone === 'string' && timezone !== '' && timezone !== 'DEFAULT' && !isTimeZone(timezone)) {
      const meant = zoneFor(timezone)
      report.add(undefined, {
        code: 'unknown-time-zone',
        level: 'error',
        at: '/settings/timezone',
        message: `${shown(JSON.stringify(timezone))} is not a time zone, so schedules do not start. ${meant === undefined ? 'Use a name such as Europe/Berlin' : `Did you mean ${meant}?`}`,
        n8n: 'Invalid timezone.',
        fix: meant === undefined ? undefined : replacement(`Set it to ${meant}`, '/settings/timezone', meant),
      })
    }
    const found = typeof errorWorkflow === 'string' ? placeholderIn(errorWorkflow) : undefined
    if (found !== undefined) {
      report.add(undefined, {
        code: 'placeholder',
        level: 'warning',
        at: '/settings/errorWorkflow',
        message: `${shown(found)} is a placeholder, so failures start no workflow. Replace it`,
      })
    }
  }
  checkReferences(model, report)
  for (const node of model.nodes) checkNode(node, report)
}

/** No ID of a workflow contains spaces. */
function checkReferences(model: WorkflowModel, report: Report): void {
  for (const { pointer, id } of subWorkflowRefs(model.json)) {
    if (!/\S\s+\S/.test(id) || placeholderIn(id) !== undefined) continue
    const node = model.nodes.find((each) => pointer.startsWith(`${each.pointer}/`))
    report.add(node, {
      code: 'workflow-by-name',
      level: node ? 'error' : 'warning',
      at: node ? pointer.slice(node.pointer.length) : pointer,
      message: `${shown(JSON.stringify(id))} is not the ID of a workflow. ${node ? 'n8n cannot call it' : 'Failures start no workflow'}. Use the ID`,
    })
  }
}

function checkNode(node: CheckedNode, report: Report): void {
  const { onError, retryOnFail, maxTries, waitBetweenTries } = node.json
  if (typeof onError === 'string' && !onErrorValues.includes(onError)) {
    const isContinue = /^continue(?:OnFail|OnError)?$/i.test(onError)
    const meant = isContinue ? 'continueRegularOutput' : closest(onError, onErrorValues)
    report.add(node, {
      code: 'unknown-on-error',
      level: 'warning',
      at: '/onError',
      message: `${shown(JSON.stringify(onError))} is not a valid value for onError, so the workflow stops on an error. Use one of: ${onErrorValues.join(', ')}`,
      fix:
        meant === undefined
          ? undefined
          : replacement(`Set it to "${meant}"`, `${node.pointer}/onError`, meant),
    })
  }
  if (retryOnFail === true && typeof maxTries === 'number' && maxTries > 5) {
    report.add(node, {
      code: 'too-many-tries',
      level: 'hint',
      at: '/maxTries',
      message: 'n8n tries a node at most 5 times',
      fix: patch('Set it to 5', [{ op: 'replace', path: `${node.pointer}/maxTries`, value: 5 }]),
    })
  }
  if (retryOnFail === true && typeof waitBetweenTries === 'number' && waitBetweenTries > longestWait) {
    report.add(node, {
      code: 'retry-wait-too-long',
      level: 'hint',
      at: '/waitBetweenTries',
      message: `n8n waits at most ${longestWait} ms between tries`,
      fix: replacement(`Set it to ${longestWait}`, `${node.pointer}/waitBetweenTries`, longestWait),
    })
  }
}

/** The one zone whose city has the name. */
function zoneFor(name: string): string | undefined {
  const city = name.slice(name.lastIndexOf('/') + 1).replaceAll(' ', '_')
  const found = Intl.supportedValuesOf('timeZone').filter(
    (each) => each.slice(each.lastIndexOf('/') + 1).toLowerCase() === city.toLowerCase(),
  )
  return found.length === 1 ? found[0] : undefined
}

const zones = new Map<string, boolean>()
const maximumZones = 500

function isTimeZone(name: string): boolean {
  const known = zones.get(name)
  if (known !== undefined) return known
  let isKnown = true
  try {
    new Intl.DateTimeFormat('en', { timeZone: name.slice(0, 100) }).format(0)
  } catch {
    isKnown = false
  }
  if (zones.size < maximumZones) zones.set(name, isKnown)
  return isKnown
}
