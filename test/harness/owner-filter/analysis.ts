/**
 * Finds what a statement reads or writes of another user: relations with an owner whose owner is not required to be the user,
 * directly (`user_id = $1`) or through a key that includes the owner. Reads the syntax tree of Postgres.
 */
import { parse } from 'libpg-query'
import { isObject, listOf } from '../../../src/lib/json-object.ts'
import type { Catalog } from './catalog.ts'
import { Equalities, type Pair } from './equalities.ts'

export interface OwnedStatement {
  query: string
  params: readonly unknown[]
}

/** Whose statement it is, and rows of that user that the request named with a secret: an instance, a session. */
export interface Owner {
  userIds: ReadonlySet<string>
  verified?: readonly { table: string; id: string }[]
}

type Node = Record<string, unknown>

/** A relation in FROM, or the target of a change. */
interface Relation {
  id: number
  table: string | null
  /** Output column → term. Of tables: none, each column is a term of its own. */
  outputs: ReadonlyMap<string, string>
  /** What holds only where this relation has a row: conditions of an outer join. */
  extra: Pair[]
}

/** The names of a query, and what holds for its rows. Conditions that follow are added to the same list. */
interface Scope {
  names: Map<string, Relation>
  facts: Pair[]
  ctes: Map<string, Rows>
  outer: Scope | null
}

interface Rows {
  outputs: { name: string; term: string }[]
  facts: Pair[]
}

/** `term` is the owner if each of the others is, in its scope. */
interface Implication {
  term: string
  when: { term: string; scope: Scope }[]
}

const nothing: Rows = { outputs: [], facts: [] }

/** @returns for each relation that is not limited to the owner, its table and how it is used */
export async function unownedIn(
  statement: OwnedStatement,
  owner: Owner,
  catalog: Catalog,
): Promise<string[]> {
  const parsed: { stmts?: { stmt?: unknown }[] } = await parse(statement.query)
  return (parsed.stmts ?? []).flatMap(({ stmt }) => new Analysis(statement.params, owner, catalog).run(stmt))
}

class Analysis {
  readonly #params: readonly unknown[]
  readonly #owner: Owner
  readonly #catalog: Catalog
  readonly #relations: Relation[] = []
  readonly #implications: Implication[] = []
  readonly #uses: { relation: Relation; verb: string; scope: Scope }[] = []
  readonly #found: string[] = []
  /** Holds everywhere. */
  readonly #known: Pair[] = []
  #unknowns = 0

  constructor(params: readonly unknown[], owner: Owner, catalog: Catalog) {
    this.#params = params
    this.#owner = owner
    this.#catalog = catalog
  }

  run(statement: unknown): string[] {
    for (const { table, id } of this.#owner.verified ?? []) {
      const row = this.#relation(table)
      this.#known.push([`${row.id}.id`, this.#value(id)], [this.#ownerOf(row) ?? '', 'owner'])
    }
    this.#statement(statement, null)
    for (let grows = true; grows; ) {
      grows = false
      for (const implication of this.#implications.splice(0)) {
        if (!implication.when.every(({ term, scope }) => this.#closed(scope).same(term, 'owner'))) {
          this.#implications.push(implication)
        } else {
          this.#known.push([implication.term, 'owner'])
          grows = true
        }
      }
    }
    for (const { relation, verb, scope } of this.#uses) {
      const isOwned = this.#closed(scope, relation.extra).same(this.#ownerOf(relation) ?? '', 'owner')
      if (!isOwned) this.#found.push(`${relation.table}: ${verb}`)
    }
    return this.#found
  }

  #statement(wrapped: unknown, outer: Scope | null): Rows {
    const [[type, node] = ['', undefined]] = Object.entries(isObject(wrapped) ? wrapped : {})
    if (!isObject(node)) return nothing
    const scope: Scope = { names: new Map(), facts: [], ctes: new Map(), outer }
    const { ctes = [], recursive } = isObject(node['withClause']) ? node['withClause'] : {}
    for (const cte of listOf(ctes)) {
      const { ctename, ctequery } = nodeOf(cte, 'CommonTableExpr')
      const name = String(ctename)
      // What a recursive query reads of itself is what its first part returns.
      if (recursive === true) {
        const first = childOf(childOf(ctequery, 'SelectStmt'), 'larg')
        scope.ctes.set(name, first === undefined ? nothing : this.#statement({ SelectStmt: first }, scope))
      }
      scope.ctes.set(name, this.#statement(ctequery, scope))
    }
    switch (type) {
      case 'SelectStmt':
        return this.#select(node, scope)
      case 'InsertStmt':
        return this.#insert(node, scope)
      case 'UpdateStmt':
        return this.#change(node, 'update', scope)
      case 'DeleteStmt':
        return this.#change(node, 'delete', scope)
      default:
        this.#found.push(`${type}: not analyzed`)
        return nothing
    }
  }

  #select(node: Node, scope: Scope): Rows {
    if (isObject(node['larg']) && isObject(node['rarg']))
      return this.#union(node['larg'], node['rarg'], scope)
    const lists = listOf(node['valuesLists'])
    if (lists.length > 0) return this.#values(lists, scope)
    for (const item of listOf(node['fromClause'])) this.#from(item, scope, scope.facts)
    this.#conditions(node['whereClause'], scope, scope.facts)
    this.#use(scope, 'read')
    const outputs = listOf(node['targetList']).flatMap((target) => this.#outputs(target, scope))
    for (const part of [
      'havingClause',
      'groupClause',
      'sortClause',
      'distinctClause',
      'limitCount',
      'windowClause',
    ])
      this.#visit(node[part], scope)
    return { outputs, facts: scope.facts }
  }

  #union(left: Node, right: Node, scope: Scope): Rows {
    const sides = [left, right].map((side) => {
      const inner: Scope = { names: new Map(), facts: [], ctes: new Map(), outer: scope }
      const rows = this.#statement({ SelectStmt: side }, inner)
      inner.facts.push(...rows.facts)
      return { rows, inner }
    })
    return {
      outputs: (sides[0]?.rows.outputs ?? []).map(({ name }, index) => {
        const when = sides.map(({ rows, inner }) => ({ term: rows.outputs[index]?.term ?? '', scope: inner }))
        return { name, term: this.#implied(when) }
      }),
      facts: [],
    }
  }

  #values(lists: unknown[], scope: Scope): Rows {
    const rows = lists.map((list) =>
      listOf(childOf(childOf(list, 'List'), 'items')).map((item) => this.#term(item, scope, scope.facts)),
    )
    const [first = []] = rows
    return {
      outputs: first.map((term, index) => ({
        name: `column${index + 1}`,
        term:
          rows.length === 1 ? term : this.#implied(rows.map((row) => ({ term: row[index] ?? '', scope }))),
      })),
      facts: scope.facts,
    }
  }

  #insert(node: Node, scope: Scope): Rows {
    const table = tableOf(node['relation'])
    const rows = node['selectStmt'] ? this.#statement(node['selectStmt'], scope) : nothing
    scope.facts.push(...rows.facts)
    const names = listOf(node['cols']).map((column) => String(nodeOf(column, 'ResTarget')['name']))
    const inserted = this.#relation(table)
    for (const [index, { term }] of rows.outputs.entries())
      scope.facts.push([`${inserted.id}.${names[index]}`, term])
    if (this.#ownerOf(inserted) !== undefined) this.#uses.push({ relation: inserted, verb: 'insert', scope })
    scope.names.set(aliasOf(node['relation']), inserted)
    const conflict = isObject(node['onConflictClause']) ? node['onConflictClause'] : {}
    if (conflict['action'] === 'ONCONFLICT_UPDATE') {
      const inner: Scope = { names: new Map(), facts: [], ctes: new Map(), outer: scope }
      const existing = this.#relation(table)
      inner.names.set(aliasOf(node['relation']), existing).set('excluded', inserted)
      const named = this.#catalog.constraints.get(String(childOf(conflict['infer'], 'conname'))) ?? []
      const elements = listOf(childOf(conflict['infer'], 'indexElems'))
      for (const name of [...named, ...elements.map((element) => nodeOf(element, 'IndexElem')['name'])])
        if (typeof name === 'string') inner.facts.push([`${existing.id}.${name}`, `${inserted.id}.${name}`])
      this.#conditions(conflict['whereClause'], inner, inner.facts)
      this.#use(inner, 'update on conflict')
      this.#visit(conflict['targetList'], inner)
    }
    return { outputs: this.#returned(node, scope), facts: scope.facts }
  }

  #change(node: Node, verb: 'update' | 'delete', scope: Scope): Rows {
    scope.names.set(aliasOf(node['relation']), this.#relation(tableOf(node['relation'])))
    for (const item of listOf(node[verb === 'update' ? 'fromClause' : 'usingClause']))
      this.#from(item, scope, scope.facts)
    this.#conditions(node['whereClause'], scope, scope.facts)
    this.#use(scope, verb)
    this.#visit(node['targetList'], scope)
    return { outputs: this.#returned(node, scope), facts: scope.facts }
  }

  #returned(node: Node, scope: Scope): Rows['outputs'] {
    const clause = node['returningClause']
    const targets = isObject(clause) ? listOf(clause['exprs']) : listOf(node['returningList'])
    return targets.flatMap((target) => this.#outputs(target, scope))
  }

  /** @param facts of the rows that the item contributes */
  #from(item: unknown, scope: Scope, facts: Pair[]): Relation[] {
    const [[type, node] = ['', undefined]] = Object.entries(isObject(item) ? item : {})
    if (!isObject(node)) return []
    const add = (name: string, relation: Relation) => {
      scope.names.set(name, relation)
      return [relation]
    }
    const renamed = (rows: Rows): Map<string, string> => {
      const names = listOf(childOf(node['alias'], 'colnames')).map((name) => textOf(name))
      return new Map(rows.outputs.map(({ name, term }, index) => [names[index] ?? name, term]))
    }
    switch (type) {
      case 'RangeVar': {
        const rows = node['schemaname'] === undefined ? cteOf(tableOf(node), scope) : undefined
        if (!rows) return add(aliasOf(node), this.#relation(tableOf(node)))
        facts.push(...rows.facts)
        return add(aliasOf(node), this.#relation(null, renamed(rows)))
      }
      case 'RangeSubselect': {
        const rows = this.#statement(node['subquery'], scope)
        facts.push(...rows.facts)
        return add(aliasOf(node), this.#relation(null, renamed(rows)))
      }
      case 'RangeFunction':
        this.#visit(node['functions'], scope)
        return add(aliasOf(node), this.#relation(null))
      case 'RangeTableSample':
        return this.#from(node['relation'], scope, facts)
      case 'JoinExpr':
        return this.#join(node, scope, facts)
      default:
        this.#found.push(`${type}: not analyzed`)
        return []
    }
  }

  /** What holds for the rows of an optional side says nothing about the other side. */
  #join(node: Node, scope: Scope, facts: Pair[]): Relation[] {
    const kind = node['jointype']
    const [left, right, on]: [Pair[], Pair[], Pair[]] = [[], [], []]
    const lefts = this.#from(node['larg'], scope, left)
    const rights = this.#from(node['rarg'], scope, right)
    this.#conditions(node['quals'], scope, on)
    for (const column of listOf(node['usingClause']).map((name) => textOf(name)))
      for (const one of lefts)
        for (const other of rights) on.push([columnIn(one, column), columnIn(other, column)])
    const sides = [
      { relations: lefts, own: left, isOptional: kind === 'JOIN_RIGHT' || kind === 'JOIN_FULL' },
      { relations: rights, own: right, isOptional: kind === 'JOIN_LEFT' || kind === 'JOIN_FULL' },
    ]
    for (const { relations, own, isOptional } of sides) {
      if (!isOptional) facts.push(...own)
      else for (const { extra } of relations) extra.push(...own, ...(kind === 'JOIN_FULL' ? [] : on))
    }
    if (kind === 'JOIN_INNER') facts.push(...on)
    return [...lefts, ...rights]
  }

  /** Adds the equalities that a condition requires. */
  #conditions(condition: unknown, scope: Scope, facts: Pair[]): void {
    const [[type, node] = ['', undefined]] = Object.entries(isObject(condition) ? condition : {})
    if (!isObject(node)) return
    if (type === 'BoolExpr' && node['boolop'] === 'AND_EXPR') {
      for (const each of listOf(node['args'])) this.#conditions(each, scope, facts)
    } else if (type === 'BoolExpr' && node['boolop'] === 'OR_EXPR') {
      const branches = listOf(node['args']).map((each): Scope => {
        const branch: Scope = { names: new Map(), facts: [], ctes: new Map(), outer: scope }
        this.#conditions(each, branch, branch.facts)
        return branch
      })
      // The user owns a row that he owns in every branch.
      for (const relation of scope.names.values()) {
        const term = this.#ownerOf(relation)
        if (term !== undefined)
          facts.push([term, this.#implied(branches.map((each) => ({ term, scope: each })))])
      }
    } else if (type === 'A_Expr' && isEquality(node)) {
      const left = this.#terms(node['lexpr'], scope, facts)
      const right = this.#terms(node['rexpr'], scope, facts)
      for (const [index, term] of left.entries()) facts.push([term, right[index] ?? this.#unknown()])
    } else if (type === 'SubLink' && isMembership(node)) {
      const rows = this.#statement(node['subselect'], scope)
      facts.push(...rows.facts)
      const tested = node['testexpr'] === undefined ? [] : this.#terms(node['testexpr'], scope, facts)
      for (const [index, term] of tested.entries())
        facts.push([term, rows.outputs[index]?.term ?? this.#unknown()])
    } else this.#visit(condition, scope)
  }

  /** The terms of a row, or the one of any other expression. */
  #terms(expression: unknown, scope: Scope, facts: Pair[]): string[] {
    const row = childOf(expression, 'RowExpr')
    return (isObject(row) ? listOf(row['args']) : [expression]).map((part) => this.#term(part, scope, facts))
  }

  /** @param facts of the rows for which the expression is evaluated */
  #term(expression: unknown, scope: Scope, facts: Pair[]): string {
    const [[type, node] = ['', undefined]] = Object.entries(isObject(expression) ? expression : {})
    if (isObject(node)) {
      if (type === 'ColumnRef') return this.#columnOf(node, scope)
      if (type === 'ParamRef') return this.#value(this.#params[Number(node['number']) - 1])
      if (type === 'A_Const') return this.#value(childOf(node['sval'], 'sval'))
      if (type === 'TypeCast') return this.#term(node['arg'], scope, facts)
      if (
        type === 'SubLink' &&
        (node['subLinkType'] === 'EXPR_SUBLINK' || node['subLinkType'] === 'ARRAY_SUBLINK')
      ) {
        const rows = this.#statement(node['subselect'], scope)
        facts.push(...rows.facts)
        return rows.outputs[0]?.term ?? this.#unknown()
      }
    }
    this.#visit(expression, scope)
    return this.#unknown()
  }

  #value(value: unknown): string {
    if (typeof value !== 'string') return this.#unknown()
    return this.#owner.userIds.has(value) ? 'owner' : `=${value}`
  }

  #columnOf(node: Node, scope: Scope): string {
    const fields = listOf(node['fields']).map((field) => textOf(field))
    const [column = '', name] = fields.toReversed()
    const has = (relation: Relation) =>
      relation.outputs.has(column) || this.#catalog.tables.get(relation.table ?? '')?.has(column) === true
    for (let level: Scope | null = scope; level; level = level.outer) {
      const relation =
        name === undefined ? [...level.names.values()].find((each) => has(each)) : level.names.get(name)
      if (relation) return columnIn(relation, column)
    }
    return this.#unknown()
  }

  /** Without equalities from scalar subqueries: those hold only for the value. */
  #outputs(target: unknown, scope: Scope): Rows['outputs'] {
    const { name, val } = nodeOf(target, 'ResTarget')
    const fields = listOf(childOf(childOf(val, 'ColumnRef'), 'fields'))
    if (childOf(fields.at(-1), 'A_Star') !== undefined) {
      const prefix = fields.length > 1 ? textOf(fields[0]) : undefined
      return [...scope.names]
        .filter(([alias]) => prefix === undefined || alias === prefix)
        .flatMap(([, relation]) => {
          const columns = this.#catalog.tables.get(relation.table ?? '') ?? relation.outputs.keys()
          return [...columns].map((column) => ({ name: column, term: columnIn(relation, column) }))
        })
    }
    const term = this.#term(val, scope, [])
    return [{ name: typeof name === 'string' ? name : textOf(fields.at(-1)), term }]
  }

  /** Analyzes the subqueries anywhere in an expression. */
  #visit(expression: unknown, scope: Scope): void {
    if (Array.isArray(expression)) for (const each of expression) this.#visit(each, scope)
    else if (isObject(expression)) {
      for (const [type, node] of Object.entries(expression)) {
        if (type === 'SubLink' && isObject(node)) {
          this.#visit(node['testexpr'], scope)
          this.#statement(node['subselect'], scope)
        } else this.#visit(node, scope)
      }
    }
  }

  #relation(table: string | null, outputs: ReadonlyMap<string, string> = new Map()): Relation {
    const relation = { id: this.#relations.length, table, outputs, extra: [] }
    this.#relations.push(relation)
    return relation
  }

  #unknown(): string {
    this.#unknowns += 1
    return `?${this.#unknowns}`
  }

  #implied(when: Implication['when']): string {
    const term = this.#unknown()
    this.#implications.push({ term, when })
    return term
  }

  #ownerOf(relation: Relation): string | undefined {
    const owner = this.#catalog.owned.get(relation.table ?? '')
    return owner === undefined ? undefined : `${relation.id}.${owner}`
  }

  #use(scope: Scope, verb: string): void {
    for (const relation of scope.names.values())
      if (this.#ownerOf(relation) !== undefined) this.#uses.push({ relation, verb, scope })
  }

  /**
   * Also equal: the owners of a row and the row that it refers to, of two rows that refer to the same row, and of two mentions
   * of one row.
   */
  #closed(scope: Scope, extra: Pair[] = []): Equalities {
    const equal = new Equalities(this.#known)
    const pairs = [...extra]
    for (let level: Scope | null = scope; level; level = level.outer) pairs.push(...level.facts)
    const present = new Set<number>()
    for (const pair of pairs) {
      equal.add(...pair)
      // An equality with a column of an optional row holds only where there is one.
      for (const relation of pair.map((term) => this.#relations[Number(/^\d+(?=\.)/.exec(term)?.[0])])) {
        if (!relation || present.has(relation.id)) continue
        present.add(relation.id)
        pairs.push(...relation.extra)
      }
    }
    const owned = this.#relations.filter((relation) => this.#ownerOf(relation) !== undefined)
    for (let grows = true; grows; ) {
      grows = false
      for (const one of owned) {
        for (const other of owned) {
          const [left, right] = [this.#ownerOf(one) ?? '', this.#ownerOf(other) ?? '']
          if (one.id >= other.id || equal.same(left, right) || !this.#isLinked(one, other, equal)) continue
          equal.add(left, right)
          grows = true
        }
      }
    }
    return equal
  }

  /** Whether the two rows have the same owner because of a key. */
  #isLinked(one: Relation, other: Relation, equal: Equalities): boolean {
    const agree = (columns: readonly (readonly [string, string])[], left = one, right = other) =>
      columns.every(([first, second]) => equal.same(`${left.id}.${first}`, `${right.id}.${second}`))
    const { references, keys } = this.#catalog
    const isSameRow =
      one.table === other.table &&
      (keys.get(one.table ?? '') ?? []).some((key) => agree(key.map((column) => [column, column])))
    const of = (relation: Relation) => references.filter(({ from }) => from === relation.table)
    return (
      isSameRow ||
      of(one).some(({ to, columns }) => to === other.table && agree(columns)) ||
      of(other).some(({ to, columns }) => to === one.table && agree(columns, other, one)) ||
      of(one).some((first) =>
        of(other).some((second) => {
          const isKey = (keys.get(first.to) ?? []).some((key) =>
            key.every((column) => first.columns.some(([, target]) => target === column)),
          )
          const columnFor = (target: string) => second.columns.find((pair) => pair[1] === target)?.[0] ?? ''
          return (
            first.to === second.to &&
            isKey &&
            agree(first.columns.map(([column, target]) => [column, columnFor(target)]))
          )
        }),
      )
    )
  }
}

function cteOf(name: string, scope: Scope): Rows | undefined {
  for (let level: Scope | null = scope; level; level = level.outer) {
    const rows = level.ctes.get(name)
    if (rows) return rows
  }
  return undefined
}

const columnIn = (relation: Relation, column: string): string =>
  relation.outputs.get(column) ?? `${relation.id}.${column}`
const childOf = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined)
const nodeOf = (value: unknown, type: string): Node => {
  const node = childOf(value, type)
  return isObject(node) ? node : {}
}
const textOf = (value: unknown): string => stringOf(childOf(childOf(value, 'String'), 'sval')) ?? ''
const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const tableOf = (relation: unknown): string => String(childOf(relation, 'relname'))
const aliasOf = (relation: unknown): string =>
  stringOf(childOf(childOf(relation, 'alias'), 'aliasname')) ?? tableOf(relation)
const isEquality = (node: Node): boolean =>
  (node['kind'] === 'AEXPR_OP' && textOf(listOf(node['name'])[0]) === '=') ||
  node['kind'] === 'AEXPR_NOT_DISTINCT' ||
  // `= any (array (select …))`
  (node['kind'] === 'AEXPR_OP_ANY' &&
    childOf(childOf(node['rexpr'], 'SubLink'), 'subLinkType') === 'ARRAY_SUBLINK')
/** `exists (…)` and `in (select …)`. */
const isMembership = (node: Node): boolean =>
  node['subLinkType'] === 'EXISTS_SUBLINK' ||
  (node['subLinkType'] === 'ANY_SUBLINK' && node['operName'] === undefined)
