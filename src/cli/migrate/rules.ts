/**
 * @module Finds the statements of a migration that lose data, that the running release may not survive, or that block its
 * writes. They need a mark, a comment in the statement: `-- destructive: <reason>` or `-- locks: <reason>`.
 */
import { parse } from 'libpg-query'
import type { Migration } from '../../db/migrate.ts'
import { statementsOf } from '../../db/migrate.ts'
import { isContainer, isObject, listOf } from '../../lib/json-object.ts'

export type HazardKind = 'destructive' | 'locks'

export interface Hazard {
  kind: HazardKind
  /** What the statement does, such as `Drops the column "notes" of "workflows"`. */
  effect: string
  /** The line of the statement in the file, from 1. */
  line: number
  /** The reason in the mark; null without one. */
  reason: string | null
}

/** Written before this check existed. */
const lastUnchecked = '0028_prompt_words'

/** Tables that grow with the number of runs and versions: a scan or a rewrite of them takes minutes. */
const largeTables = new Set([
  'audit_events',
  'error_stats',
  'execution_changes',
  'execution_keys',
  'execution_stats',
  'executions',
  'node_stats',
  'usage_stats',
  'workflow_versions',
])

type Node = Record<string, unknown>
type Finding = Omit<Hazard, 'line' | 'reason'>

const destructive = (effect: string): Finding => ({ kind: 'destructive', effect })
const locks = (effect: string): Finding => ({ kind: 'locks', effect })

/** @throws {Error} when Postgres cannot parse a statement */
export async function hazardsOf(migration: Migration): Promise<Hazard[]> {
  if (migration.name <= lastUnchecked) return []
  const created = new Set<string>()
  const hazards: Hazard[] = []
  for (const { text, line } of statementsOf(migration)) {
    const findings = await findingsOf(text, migration.name, created)
    hazards.push(
      ...findings.map((finding) => Object.assign({ line, reason: reasonIn(text, finding.kind) }, finding)),
    )
  }
  return hazards
}

/** A migration that removes something: it runs after the new release does. */
export const isContract = (hazards: readonly Hazard[]): boolean =>
  hazards.some(({ kind }) => kind === 'destructive')

/** Unmarked hazards, each with what to do; empty when the migrations may run. */
export function objectionsTo(name: string, hazards: readonly Hazard[]): string[] {
  return hazards
    .filter(({ reason }) => reason === null)
    .map(({ kind, effect, line }) => {
      const advice =
        kind === 'destructive'
          ? 'Remove it in a later release than the code that uses it, and mark it'
          : 'Avoid it, or mark it if the table is small or the time is acceptable'
      return `${name}.sql, line ${line}: ${effect}. ${advice} with the comment "-- ${kind}: <reason>".`
    })
}

/** By the naming convention of the schema: `DROP CONSTRAINT` does not tell the kind. */
const isCheck = (name: unknown): boolean => typeof name === 'string' && name.endsWith('_check')

const reasonIn = (text: string, kind: HazardKind): string | null =>
  new RegExp(`^\\s*--\\s*${kind}:[^\\S\\n]*(\\S.*)$`, 'm').exec(text)?.[1]?.trim() ?? null

async function findingsOf(text: string, name: string, created: Set<string>): Promise<Finding[]> {
  let parsed: { stmts?: { stmt?: unknown }[] }
  try {
    parsed = await parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`Migration ${name} contains invalid SQL: ${reason}`, { cause: error })
  }
  return (parsed.stmts ?? []).flatMap(({ stmt }) =>
    nodesOf(stmt).flatMap(([type, node]) => check(type, node, created)),
  )
}

/** All nodes of the statement, outer first. A function's body is text and contains none: creating it runs nothing. */
function nodesOf(value: unknown): [type: string, node: Node][] {
  const found: [string, Node][] = []
  const open = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next)) open.push(...(next as unknown[]).toReversed())
    else if (isObject(next)) {
      for (const [type, node] of Object.entries(next)) {
        if (isObject(node) && /^[A-Z]/.test(type)) found.push([type, node])
        if (isContainer(node)) open.push(node)
      }
    }
  }
  return found
}

/** By the node types of Postgres's parser. */
function check(type: string, node: Node, created: Set<string>): Finding[] {
  switch (type) {
    case 'CreateStmt':
    case 'CreateTableAsStmt':
      created.add(tableOf(node['relation'] ?? childOf(node['into'], 'rel')))
      return []
    case 'DropStmt':
      return [destructive(`Drops ${dropped(node)}`)]
    case 'TruncateStmt':
      return [destructive('Empties a table')]
    case 'DeleteStmt':
      return [destructive(`Deletes rows of ${quoted(tableOf(node['relation']))}`)]
    case 'UpdateStmt':
      return isLarge(node['relation'], created)
        ? [locks(`Updates the large table ${quoted(tableOf(node['relation']))} in one statement`)]
        : []
    case 'MergeStmt': {
      const table = quoted(tableOf(node['relation']))
      const actions = new Set(nodesOf(node['mergeWhenClauses']).map(([, clause]) => clause['commandType']))
      if (actions.has('CMD_DELETE')) return [destructive(`Deletes rows of ${table}`)]
      return actions.has('CMD_UPDATE') && isLarge(node['relation'], created)
        ? [locks(`Updates the large table ${table} in one statement`)]
        : []
    }
    case 'RenameStmt':
      return node['renameType'] === 'OBJECT_INDEX' || node['renameType'] === 'OBJECT_TABCONSTRAINT'
        ? []
        : [destructive(`Renames ${kindOf(node['renameType'])} to ${quoted(textOf(node['newname']))}`)]
    case 'AlterObjectSchemaStmt':
    case 'AlterOwnerStmt':
      return [destructive(`Moves ${kindOf(node['objectType'])} to another schema or owner`)]
    case 'GrantStmt':
      return node['is_grant'] === true ? [] : [destructive('Revokes a permission')]
    case 'DropdbStmt':
    case 'DropRoleStmt':
    case 'DropOwnedStmt':
    case 'DropTableSpaceStmt':
      return [destructive('Drops a database, a tablespace, a role or the objects of a role')]
    case 'DoStmt':
      return /\b(?:drop|truncate|delete|alter|rename|revoke|update|execute)\b/i.test(JSON.stringify(node))
        ? [destructive('Runs a code block that may change or remove data')]
        : []
    case 'IndexStmt':
      return node['concurrent'] !== true && isLarge(node['relation'], created)
        ? [locks(`Blocks writes to ${quoted(tableOf(node['relation']))} while it builds an index`)]
        : []
    case 'LockStmt':
    case 'ClusterStmt':
    case 'ReindexStmt':
    case 'VacuumStmt':
    case 'RefreshMatViewStmt':
      return [locks('Locks a table while it runs')]
    case 'AlterTableStmt':
      return listOf(node['cmds']).flatMap((command) =>
        checkChange(childOf(command, 'AlterTableCmd'), node['relation'], created),
      )
    default:
      return []
  }
}

/** One change of `alter table`. */
function checkChange(change: unknown, relation: unknown, created: Set<string>): Finding[] {
  if (!isObject(change)) return []
  const table = quoted(tableOf(relation))
  if (created.has(tableOf(relation))) return []
  const column = quoted(textOf(change['name']))
  const blocks = isLarge(relation, created)
  switch (change['subtype']) {
    case 'AT_DropColumn':
      return [destructive(`Drops the column ${column} of ${table}`)]
    case 'AT_DropConstraint':
      // Without the check, every row that the running release writes is still accepted.
      return isCheck(change['name']) ? [] : [destructive(`Drops the constraint ${column} of ${table}`)]
    case 'AT_AlterColumnType':
      return [destructive(`Changes the type of the column ${column} of ${table}, which rewrites the table`)]
    case 'AT_SetNotNull':
      return [destructive(`Rejects rows of ${table} without ${column}, which the running release may write`)]
    case 'AT_ColumnDefault':
      return change['def'] === undefined
        ? [destructive(`Drops the default of the column ${column} of ${table}`)]
        : []
    case 'AT_DropExpression':
    case 'AT_DropIdentity':
    case 'AT_DetachPartition':
    case 'AT_SetUnLogged':
    case 'AT_DisableTrig':
    case 'AT_DisableTrigAll':
      return [destructive(`Removes a partition, trigger or other property of ${table}`)]
    case 'AT_AddColumn':
      return checkColumn(childOf(change['def'], 'ColumnDef'), table, blocks)
    case 'AT_AddConstraint':
      return checkConstraint(childOf(change['def'], 'Constraint'), table, blocks)
    case 'AT_SetLogged':
    case 'AT_SetAccessMethod':
    case 'AT_SetTableSpace':
      return [locks(`Rewrites ${table}`)]
    default:
      return []
  }
}

function checkColumn(definition: unknown, table: string, blocks: boolean): Finding[] {
  if (!isObject(definition)) return []
  const constraints = listOf(definition['constraints'])
    .map((each) => childOf(each, 'Constraint'))
    .filter(isObject)
  const types = constraints.map(({ contype }) => contype)
  const column = quoted(textOf(definition['colname']))
  const findings: Finding[] = []
  const isFilled = types.some((each) =>
    ['CONSTR_DEFAULT', 'CONSTR_GENERATED', 'CONSTR_IDENTITY'].includes(String(each)),
  )
  if (types.includes('CONSTR_NOTNULL') && !isFilled)
    findings.push(
      destructive(`Adds the column ${column} to ${table}, which the running release does not fill`),
    )
  const isRewrite =
    types.includes('CONSTR_GENERATED') ||
    types.includes('CONSTR_IDENTITY') ||
    isSerial(definition['typeName']) ||
    constraints.some(({ contype, raw_expr: value }) => contype === 'CONSTR_DEFAULT' && callsFunction(value))
  if (isRewrite && blocks) findings.push(locks(`Rewrites ${table} to fill the column ${column}`))
  if (blocks && types.some((each) => each === 'CONSTR_UNIQUE' || each === 'CONSTR_PRIMARY'))
    findings.push(locks(`Builds an index while ${table} is locked`))
  return findings
}

function checkConstraint(constraint: unknown, table: string, blocks: boolean): Finding[] {
  if (!isObject(constraint) || !blocks) return []
  const { contype, indexname, skip_validation: isUnchecked } = constraint
  if (isUnchecked === true || indexname !== undefined) return []
  return [
    locks(
      contype === 'CONSTR_CHECK' || contype === 'CONSTR_FOREIGN'
        ? `Checks all rows of ${table} while it is locked; add the constraint as "not valid" and validate it in a later migration`
        : `Builds an index while ${table} is locked`,
    ),
  ]
}

/** `now()` is evaluated once and needs no rewrite. */
const callsFunction = (value: unknown): boolean =>
  nodesOf(value).some(
    ([type, node]) => type === 'FuncCall' && !JSON.stringify(node['funcname']).includes('"now"'),
  )

/** `serial` and its variants: an integer whose default calls `nextval`. */
const isSerial = (typeName: unknown): boolean =>
  nodesOf(childOf(typeName, 'names')).some(([, { sval }]) =>
    /^(?:small|big)?serial[248]?$/.test(textOf(sval)),
  )

const childOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined)
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const quoted = (name: string): string => `"${name}"`
const tableOf = (relation: unknown): string => textOf(childOf(relation, 'relname'))
const isLarge = (relation: unknown, created: Set<string>): boolean =>
  largeTables.has(tableOf(relation)) && !created.has(tableOf(relation))

/** `OBJECT_TABLE` → `a table`. */
function kindOf(type: unknown): string {
  const words = textOf(type).replace('OBJECT_', '').replace('TABCONSTRAINT', 'constraint').toLowerCase()
  return /^[aeiou]/.test(words) ? `an ${words}` : `a ${words}`
}

function dropped(node: Node): string {
  const names = listOf(node['objects']).map((object) => {
    const signature = childOf(object, 'ObjectWithArgs')
    const parts = nodesOf(signature === undefined ? object : childOf(signature, 'objname'))
    return parts.flatMap(([type, each]) => (type === 'String' ? [textOf(each['sval'])] : [])).join('.')
  })
  return `${kindOf(node['removeType'])}: ${names.map(quoted).join(', ')}`
}
