/** @module What n8n refuses to publish. A seam until the full rules replace it. */
import { closest } from './values/closest.ts'
import { bestVersion } from './values/fit.ts'
import { shown } from '../n8n/structure/repairs.ts'
import { typeVersion } from '../n8n/catalogue/required-credentials.ts'
import type { CheckedNode, WorkflowModel } from './model.ts'
import { patch, replacement, type Report } from './report.ts'
import { isTrigger } from './graph/flow.ts'

/** A community package, not a misspelled built-in one. */
const isPackage = /^(?:@[^/]+\/)?n8n-nodes-(?!base\.|langchain\.)[^.]+\./
const packages = ['n8n-nodes-base.', '@n8n/n8n-nodes-langchain.']

export function checkPublishable(model: WorkflowModel, report: Report): void {
  for (const node of model.nodes) checkType(node, model, report)
  if (
    model.nodes.some(({ isSticky }) => !isSticky) &&
    !model.nodes.some((node) => node.isEnabled && isTrigger(node))
  ) {
    report.add(undefined, {
      code: 'no-trigger',
      level: 'error',
      message: 'The workflow has no enabled trigger, so nothing starts it. Add or enable one',
      n8n: 'Workflow cannot be activated because it has no trigger node. At least one trigger, webhook, or polling node is required.',
    })
  }
}

function checkType(node: CheckedNode, model: WorkflowModel, report: Report): void {
  const { type, nodeType, pointer } = node
  if (type === '') return
  if (!nodeType) {
    const isBuiltIn = packages.some((each) => type.startsWith(each))
    const meant = isBuiltIn || !isPackage.test(type) ? typeMeant(node, model) : undefined
    report.add(node, {
      code: 'unknown-node-type',
      level: 'error',
      at: '/type',
      message:
        isBuiltIn || meant
          ? `n8n has no node type ${shown(type)}${meant === undefined ? '' : `. Did you mean ${meant}?`}`
          : `${shown(type)} is not known to this n8n server. Install its community package`,
      n8n: `Unrecognized node type: ${shown(type)}`,
      fix: meant === undefined ? undefined : replacement(`Set it to ${meant}`, `${pointer}/type`, meant),
    })
    return
  }
  const given = typeVersion(node.json)
  if (given === undefined && (nodeType.versions.length > 1 || nodeType.versions[0] !== 1)) {
    const version = bestVersion(node, [nodeType.defaultVersion])
    report.add(node, {
      code: 'missing-type-version',
      level: 'warning',
      at: '/typeVersion',
      message: `The node has no typeVersion, so n8n assumes version 1. The current version is ${nodeType.defaultVersion}`,
      fix:
        version === undefined
          ? undefined
          : patch(`Set it to ${version}`, [{ op: 'add', path: `${pointer}/typeVersion`, value: version }]),
    })
  }
  if (node.facts || nodeType.takesAnyVersion) return
  const listed = nodeType.versions.join(', ')
  const nearest = nodeType.versions.toSorted(
    (a, b) => Math.abs(a - node.version) - Math.abs(b - node.version) || b - a,
  )
  const version = bestVersion(node, nearest)
  report.add(node, {
    code: 'unknown-node-version',
    level: 'error',
    at: '/typeVersion',
    message: `${type} has no version ${node.version}. Use one of: ${listed}`,
    n8n: `Node type "${node.shortType}" is not available in version ${node.version}. Available versions: ${listed}.`,
    fix:
      version === undefined
        ? undefined
        : patch(`Set it to ${version}`, [{ op: 'add', path: `${pointer}/typeVersion`, value: version }]),
  })
}

/** By case, package and spelling; among several packages, by the parameters. */
function typeMeant(node: CheckedNode, { facts }: WorkflowModel): string | undefined {
  const names = [...facts.typeNames()]
  const short = (type: string) => type.slice(type.lastIndexOf('.') + 1)
  const wanted = short(node.type).toLowerCase()
  const sameName = names.filter((each) => short(each).toLowerCase() === wanted)
  const own = sameName.filter((each) => packageOf(each) === packageOf(node.type))
  if (own.length === 1) return own[0]
  if (sameName.length === 1) return sameName[0]
  if (sameName.length > 1 || !packages.some((each) => node.type.startsWith(each))) return undefined
  const meant = closest(wanted, names.map(short))
  const found = names.filter((each) => short(each) === meant)
  return found.length === 1 ? found[0] : undefined
}

const packageOf = (type: string): string => type.slice(0, Math.max(type.lastIndexOf('.'), 0))
