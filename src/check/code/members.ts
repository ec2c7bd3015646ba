/** @module Finds members that n8n's variables do not have, such as `$('A').item.email` without `.json`. */
import { addTo } from '../../lib/grouped.ts'
import type { AnyNode, CallExpression, Expression, MemberExpression, Node } from 'acorn'
import { namesIn, walk } from './walk.ts'

/** What an expression is in n8n: a node, its items, one item, or the fields of an item. */
type Kind = 'node' | 'input' | 'old' | 'list' | 'item' | 'json' | 'date' | 'jsDate' | 'millis' | 'workflow'

interface Value {
  kind: Kind
  /** Name of the node that the data is from; undefined for the input. */
  from?: string | undefined
}

/** Replaces the characters from `start` to `end`. */
export interface Edit {
  start: number
  end: number
  text: string
}

export interface Member {
  /** `field`: a field of an item. */
  kind: 'unknown' | 'field' | 'date'
  name: string
  /** The node that the item is from; undefined for the input. */
  from?: string | undefined
  message?: string
  edit?: Edit | undefined
}

const listed: Readonly<Partial<Record<Kind, string>>> = {
  node: 'item first last all itemMatching pairedItem isExecuted context params',
  input: 'item first last all context params',
  old: 'json binary data context parameter runIndex',
  item: 'json binary pairedItem error index metadata',
  workflow: 'id name active',
}
const legal = new Map(Object.entries(listed).map(([kind, names]) => [kind, new Set(names.split(' '))]))
/** Methods of every object. */
const ofObjects = /^(?:toString|toJsonString|hasOwnProperty|keys|values|isEmpty|isNotEmpty|constructor)$/
const toItem = /^(?:first|last|itemMatching|pairedItem)$/
const sameItems = /^(?:filter|slice|sort|reverse|toSorted|toReversed|concat)$/
const oneOfItems = /^(?:at|find|pop|shift|findLast)$/
const withCallback = /^(?:map|forEach|filter|flatMap|some|every|find|findIndex)$/

/** Methods of Moment.js and of Date → the one of Luxon. */
const dateMethods: Readonly<Record<string, string>> = {
  add: 'plus',
  subtract: 'minus',
  toISOString: 'toISO',
  formatDate: 'toFormat',
  toDate: 'toJSDate',
  getTime: 'toMillis',
  unix: 'toUnixInteger',
  tz: 'setZone',
  utc: 'toUTC',
  fromNow: 'toRelative',
  clone: '',
  getFullYear: '',
  getMonth: '',
  getDate: '',
  getDay: '',
  getHours: '',
  getMinutes: '',
  isBefore: '',
  isAfter: '',
  isSame: '',
  toLocaleDateString: '',
  toLocaleTimeString: '',
}
/** Methods of the nodes that n8n itself is made of. */
const ofNodes = /^(?:getInputData|getNodeParameter|prepareOutputData|getCredentials|continueOnFail)$/
/** Members of a date that are not methods. */
const dateFields = /^(?:year|month|day|hour|minute|second|weekday)$/
/** Such as `plusDays`, which is `plus({ days })` in Luxon. */
const ofOtherLibraries =
  /^(?:plus|minus|add|sub|subtract|set)(?:Milliseconds|Seconds|Minutes|Hours|Days?|Date|Weeks|Months?|Years|FullYear)$/
const sameDate =
  /^(?:plus|minus|startOf|endOf|setZone|toUTC|toLocal|set|setLocale|now|local|utc|fromISO|fromMillis|fromJSDate|fromSeconds|fromFormat|fromSQL|fromObject)$/

/** Methods of Luxon that a JavaScript date does not have. */
const ofLuxon =
  /^(?:toISO|toISODate|toISOTime|toFormat|toSQL|toSQLDate|toMillis|toSeconds|toUnixInteger|toRelative|toUTC|toLocal|toJSDate|startOf|endOf|setZone|setLocale|diff|diffNow|hasSame)$/
/** Methods that n8n adds to dates in expressions, but not in code. */
const addedToDates = /^(?:plus|minus|format|diffTo|diffToNow|beginningOf|isWeekend|isBetween|toDateTime)$/
const ofJsDates =
  /^(?:toISOString|getTime|to(?:Locale)?(?:Date|Time)String|get(?:UTC)?(?:FullYear|Month|Date|Day|Hours|Minutes|Seconds))$/

const maxDepth = 100

type Program = { body: readonly Node[] }

/**
 * @param code the source, for the messages
 * @param mode `each`: code that runs once for each item
 */
export function findMembers(
  program: Program,
  code: string,
  mode: 'expression' | 'each' | 'all',
  declared: ReadonlyMap<string, unknown>,
  assigned: ReadonlySet<string>,
): Member[] {
  return new MemberFinder(program, code, mode, declared, assigned).find()
}

class MemberFinder {
  readonly #program: Program
  readonly #code: string
  readonly #mode: 'expression' | 'each' | 'all'
  readonly #assigned: ReadonlySet<string>
  readonly #bindings: ReadonlyMap<string, Binding[]>
  readonly #values = new Map<string, Value | undefined>()
  /** Names of the members that the code sets. */
  readonly #written = new Set<string>()
  readonly #found: Member[] = []
  #depth = 0

  constructor(
    program: Program,
    code: string,
    mode: 'expression' | 'each' | 'all',
    declared: ReadonlyMap<string, unknown>,
    assigned: ReadonlySet<string>,
  ) {
    this.#program = program
    this.#code = code
    this.#mode = mode
    this.#assigned = assigned
    this.#bindings = bindingsOf(program)
    const free: [string, Kind][] = [
      ['$input', 'input'],
      ['$json', 'json'],
      ['$workflow', 'workflow'],
      ['$now', 'date'],
      ['$today', 'date'],
    ]
    if (mode === 'all') free.push(['items', 'list'])
    if (mode === 'each') free.push(['item', 'item'])
    for (const [name, kind] of free) if (!declared.has(name)) this.#values.set(name, { kind })
  }

  find(): Member[] {
    walk(this.#program, (node) => {
      if (node.type === 'AssignmentExpression' && node.left.type === 'MemberExpression')
        this.#written.add(memberName(node.left) ?? '')
    })
    walk(this.#program, (node, parent) => {
      if (node.type === 'MemberExpression') this.#check(node, parent)
      else if (node.type === 'CallExpression') this.#called(node)
    })
    return this.#found
  }

  /** What a name stands for, if all its declarations agree. */
  #named(name: string): Value | undefined {
    if (this.#values.has(name)) return this.#values.get(name)
    this.#values.set(name, undefined)
    const bindings = this.#assigned.has(name) ? [] : (this.#bindings.get(name) ?? [])
    const found = bindings.map(({ expression, isEntry }): Value | undefined => {
      const value = expression && this.#valueOf(expression)
      if (!isEntry) return value
      return value?.kind === 'list' ? { kind: 'item', from: value.from } : undefined
    })
    const [first] = found
    const value = found.every((each) => each?.kind === first?.kind && each?.from === first?.from)
      ? first
      : undefined
    this.#values.set(name, value)
    return value
  }

  /** Undefined for a longer chain than anyone writes, which would take quadratic time or exceed the stack. */
  #valueOf(node: AnyNode): Value | undefined {
    if (this.#depth === maxDepth) return undefined
    this.#depth += 1
    const value = this.#valueOfNested(node)
    this.#depth -= 1
    return value
  }

  #valueOfNested(node: AnyNode): Value | undefined {
    if (node.type === 'Identifier') return this.#named(node.name)
    if (node.type === 'ChainExpression') return this.#valueOf(node.expression)
    if (node.type === 'CallExpression') return this.#result(node)
    if (node.type === 'NewExpression') return isDate(node.callee) ? { kind: 'jsDate' } : undefined
    if (node.type !== 'MemberExpression') return undefined
    const { object, property, computed } = node
    const name = memberName(node)
    if (object.type === 'Identifier' && object.name === '$node') return { kind: 'old', from: name ?? '' }
    const { kind, from } = this.#valueOf(object) ?? {}
    if (isSource(kind) && name === 'item') return { kind: 'item', from }
    if ((kind === 'item' || kind === 'old') && name === 'json') return { kind: 'json', from }
    return kind === 'list' && computed && isIndex(property) ? { kind: 'item', from } : undefined
  }

  #result({ callee, arguments: given }: CallExpression): Value | undefined {
    if (callee.type === 'Identifier') {
      const from = textOf(given[0])
      if (callee.name === '$') return { kind: 'node', from: from ?? '' }
      return callee.name === '$items' && from !== undefined ? { kind: 'list', from } : undefined
    }
    if (callee.type !== 'MemberExpression') return undefined
    const method = memberName(callee) ?? ''
    if (method === 'now' && isDate(callee.object)) return { kind: 'millis' }
    const value = isLuxon(callee.object) ? { kind: 'date' as const } : this.#valueOf(callee.object)
    const { kind, from } = value ?? {}
    if (kind === 'date') return sameDate.test(method) ? value : undefined
    if (isSource(kind)) {
      if (method === 'all') return { kind: 'list', from }
      return toItem.test(method) ? { kind: 'item', from } : undefined
    }
    if (kind !== 'list') return undefined
    return sameItems.test(method) ? value : oneOfItems.test(method) ? { kind: 'item', from } : undefined
  }

  #check(node: MemberExpression, parent: AnyNode | undefined): void {
    const name = memberName(node)
    if (name === undefined) return this.#index(node)
    const call = parent?.type === 'CallExpression' && parent.callee === node ? parent : undefined
    if (call) this.#format(name, call)
    if (node.object.type === 'ThisExpression' && this.#mode !== 'expression' && ofNodes.test(name)) {
      this.#add('unknown', name, `Code has no this.${name}(). Use $input, $('…') and this.helpers`)
    }
    const value = this.#valueOf(node.object)
    if (!value) return
    const { kind, from } = value
    if (kind === 'json') {
      if (!this.#written.has(name)) this.#found.push({ kind: 'field', name, from })
    } else if (kind === 'date') this.#date(node, name, call !== undefined)
    else if (kind === 'jsDate' || kind === 'millis') this.#jsDate(node, name, kind)
    else if (isSource(kind) && /^(?:item|first|last|all)$/.test(name)) this.#calls(node, name, call)
    else this.#member(node, name, kind, call !== undefined)
  }

  /** Such as `$now()`: n8n's variables are not functions, except `$`. */
  #called({ callee, end }: CallExpression): void {
    if (callee.type !== 'Identifier' || !callee.name.startsWith('$')) return
    const kind = this.#values.get(callee.name)?.kind
    if (kind === undefined || this.#bindings.has(callee.name)) return
    const edit = { start: callee.end, end, text: '' }
    const message = `${callee.name} is not a function. Remove the ()`
    this.#add(kind === 'date' ? 'date' : 'unknown', callee.name, message, edit)
  }

  /** `item` is a property, the others are functions. */
  #calls(node: MemberExpression, name: string, call: CallExpression | undefined): void {
    const path = `${this.#textOf(node.object)}.${name}`
    if (name === 'item' && call) {
      const edit = { start: node.end, end: call.end, text: '' }
      this.#add('unknown', name, `${path} is not a function. Remove the ()`, edit)
    } else if (name !== 'item' && !call) {
      this.#add('unknown', name, `${path} is a function. Use ${name}()`, {
        start: node.end,
        end: node.end,
        text: '()',
      })
    }
  }

  #member(node: MemberExpression, name: string, kind: Kind, isCalled: boolean): void {
    const object = this.#textOf(node.object)
    if (kind === 'list') {
      if (name !== 'json' && name !== 'binary') return
      this.#add(
        'unknown',
        name,
        `${object} is a list of items and has no field ${name}. Use ${object}[0].${name}, or loop over the list`,
      )
      return
    }
    if (legal.get(kind)?.has(name) || ofObjects.test(name) || this.#written.has(name)) return
    if (isCalled && isSource(kind)) {
      this.#add('unknown', name, `${object} has no function ${name}(). Use all(), first(), last() or item`)
      return
    }
    const path =
      kind === 'workflow'
        ? ''
        : kind === 'item' || kind === 'old'
          ? '.json'
          : name === 'json' || name === 'binary'
            ? '.item'
            : '.item.json'
    const { end } = node.object
    const edit = path === '' || node.computed || isCalled ? undefined : { start: end, end, text: path }
    const remedy = path === '' ? '' : `. Use ${object}${path}.${name}`
    this.#add('unknown', name, `${object} has no field ${name}${remedy}`, edit)
  }

  #date(node: MemberExpression, name: string, isCalled: boolean): void {
    const isFormat = name === 'format' && this.#mode !== 'expression'
    const meant = isFormat ? 'toFormat' : Object.hasOwn(dateMethods, name) ? dateMethods[name] : undefined
    if (meant === undefined && !(isCalled && (dateFields.test(name) || ofOtherLibraries.test(name)))) return
    const { start, end } = node.property
    const message = `${this.#textOf(node.object)} is a Luxon date, which has no ${name}()${meant ? `. Use ${meant}()` : ''}`
    this.#add('date', name, message, meant ? { start, end, text: meant } : undefined)
  }

  #jsDate({ object }: MemberExpression, name: string, kind: 'jsDate' | 'millis'): void {
    const isNumber = kind === 'millis'
    const isForDate = isNumber && ofJsDates.test(name)
    const isAdded = addedToDates.test(name) && (isNumber || this.#mode !== 'expression')
    if (!ofLuxon.test(name) && !isAdded && !isForDate) return
    const { start, end } = object
    const source = this.#code.slice(start, end)
    const isNow = /^(?:new Date(?:\(\))?|Date\.now\(\))$/.test(source)
    const text = isForDate
      ? `new Date(${isNow ? '' : source})`
      : isNow
        ? '$now'
        : `DateTime.${isNumber ? 'fromMillis' : 'fromJSDate'}(${source})`
    const what = isNumber ? 'a number' : 'a JavaScript date'
    this.#add(
      'date',
      name,
      `${this.#textOf(object)} is ${what}, which has no ${name}(). Use ${text}.${name}()`,
      {
        start,
        end,
        text,
      },
    )
  }

  /** Such as `$('A')[0]`. */
  #index({ object, property, computed }: MemberExpression): void {
    if (!computed || !isIndex(property) || !isSource(this.#valueOf(object)?.kind)) return
    const path = this.#textOf(object)
    this.#add('unknown', '0', `${path} is not a list. Use ${path}.all()[${this.#textOf(property)}]`, {
      start: object.end,
      end: object.end,
      text: '.all()',
    })
  }

  #format(name: string, { arguments: [given] }: CallExpression): void {
    // In code, another library can have a method of this name.
    if (name !== 'toFormat' && (name !== 'format' || this.#mode !== 'expression')) return
    const text = textOf(given)
    const meant = text === undefined ? undefined : luxonFormat(text)
    if (!given || meant === undefined) return
    this.#add('date', name, `Luxon does not support the format ${text}. Use ${meant}`, {
      start: given.start + 1,
      end: given.end - 1,
      text: meant,
    })
  }

  #textOf({ start, end }: Node): string {
    return this.#code.slice(start, end).slice(0, 80)
  }

  #add(kind: 'unknown' | 'date', name: string, message: string, edit?: Edit): void {
    this.#found.push({ kind, name, message, edit })
  }
}

const isSource = (kind: Kind | undefined): boolean => kind === 'node' || kind === 'input'

interface Binding {
  expression: Expression | undefined
  /** The name stands for each entry of the expression. */
  isEntry: boolean
}

function bindingsOf(program: Program): Map<string, Binding[]> {
  const found = new Map<string, Binding[]>()
  const add = (name: string, expression: Expression | undefined, isEntry: boolean) =>
    addTo(found, name, { expression, isEntry })
  walk(program, (node, parent) => {
    const { type } = node
    if (type === 'VariableDeclarator') {
      const isPlain = node.id.type === 'Identifier'
      // The variable of `for (const a of b)` has no initial value.
      if (isPlain && !node.init) return
      for (const name of namesIn(node.id)) add(name, (isPlain && node.init) || undefined, false)
    } else if (type === 'ForOfStatement') {
      const [first] = node.left.type === 'VariableDeclaration' ? node.left.declarations : []
      if (first)
        for (const name of namesIn(first.id))
          add(name, first.id.type === 'Identifier' ? node.right : undefined, true)
    } else if (type === 'ArrowFunctionExpression' || type === 'FunctionExpression') {
      const callee =
        parent?.type === 'CallExpression' && parent.arguments[0] === node ? parent.callee : undefined
      const list =
        callee?.type === 'MemberExpression' && withCallback.test(memberName(callee) ?? '')
          ? callee.object
          : undefined
      for (const [index, each] of node.params.entries()) {
        const isItem = index === 0 && each.type === 'Identifier' && list?.type !== 'Super'
        for (const name of namesIn(each)) add(name, isItem ? list : undefined, true)
      }
    } else if (type === 'FunctionDeclaration') {
      for (const name of node.params.flatMap(namesIn)) add(name, undefined, false)
    }
  })
  return found
}

const isIndex = (node: AnyNode): boolean => node.type === 'Literal' && typeof node.value === 'number'
const isDate = (node: AnyNode): boolean => node.type === 'Identifier' && node.name === 'Date'
const isLuxon = (node: AnyNode): boolean => node.type === 'Identifier' && node.name === 'DateTime'

const textOf = (node: AnyNode | undefined): string | undefined =>
  node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined

/** `a.b` and `a["b"]` */
const memberName = ({ property, computed }: MemberExpression): string | undefined =>
  property.type === 'Identifier' && !computed ? property.name : textOf(property)

/** The tokens of Moment.js → those of Luxon. */
const tokens: Readonly<Record<string, string>> = {
  YYYY: 'yyyy',
  YY: 'yy',
  DD: 'dd',
  D: 'd',
  dddd: 'cccc',
  ddd: 'ccc',
  A: 'a',
}

/** Undefined if the format is not one of Moment.js. */
export function luxonFormat(format: string): string | undefined {
  if (!/YYYY|\bDD\b|dddd|[Hh]:MM/.test(format) || /['[]/.test(format)) return undefined
  const read = format.replaceAll(/([A-Za-z])\1*/g, (run) =>
    Object.hasOwn(tokens, run) ? (tokens[run] ?? run) : run,
  )
  return read.replaceAll(/([Hh]:)MM/g, '$1mm')
}
