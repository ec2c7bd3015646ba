/** @module Checks JavaScript in Code nodes: whether it parses, what it returns, and what it refers to. */
import type { AnyNode, CallExpression, Expression, Node } from 'acorn'
import { shown } from '../../n8n/structure/repairs.ts'
import type { References } from '../expressions/references.ts'
import { checkVariables } from '../expressions/variables.ts'
import type { CheckedNode } from '../model.ts'
import { patch, pointerAt, replacement, type Report } from '../report.ts'
import { findMembers } from './members.ts'
import { parseScript } from './parser.ts'
import { namesIn, walk } from './walk.ts'

/** Type → parameter with the body of a function. */
export const scripts: Readonly<Record<string, string>> = {
  code: 'jsCode',
  toolCode: 'jsCode',
  function: 'functionCode',
  functionItem: 'functionCode',
}
/** Code as a model writes it in a chat. */
const fence = /^\s*```[a-z]*[ \t]*\r?\n([\s\S]*?)\r?\n?[ \t]*```\s*$/i
/** `{{ $json.a }}` in text. */
const template = /\{\{[^{}]*\$(?:json\b|input\b|node\b|\()[^{}]*\}\}/
/** Only in Run Once for All Items, or only in Run Once for Each Item. */
const listMethods = new Set(['all', 'first', 'last', 'itemMatching'])

export function checkCode(node: CheckedNode, references: References, report: Report): void {
  const { shortType, type, facts, values, isEnabled } = node
  const name = Object.hasOwn(scripts, shortType) ? scripts[shortType] : undefined
  if (name === undefined || !facts || !isEnabled) return
  const isCodeNode = type === 'n8n-nodes-base.code'
  if (isCodeNode && checkLanguage(node, report)) return
  if (values.displayed(name).length === 0) return
  const given = values.given(name)
  if (typeof given !== 'string' || given.trim() === '' || (!isCodeNode && given.startsWith('={{'))) return
  // n8n removes the = of a parameter without expressions.
  const code = isCodeNode ? given.replace(/^=/, '') : given
  const at = pointerAt('/parameters', name)
  const fenced = fence.exec(code)?.[1]
  if (fenced !== undefined) {
    report.add(node, {
      code: 'invalid-code',
      level: 'error',
      at,
      message: 'The code is in a Markdown code fence. Remove the lines with ```',
      fix: replacement('Remove the code fence', node.pointer + at, fenced),
    })
    return
  }
  const parsed = parseScript(code)
  if (!parsed) return
  if (parsed.program === undefined) {
    report.add(node, {
      code: 'invalid-code',
      level: 'error',
      at,
      message: `The code is not valid JavaScript: ${parsed.fault}`,
    })
    return
  }
  const script = readCode(parsed.program)
  if (isCodeNode) checkReturns(node, script, at, report)
  checkUses(node, script, at, references, report, code, isCodeNode, parsed.program)
}

/** @returns whether the code is not JavaScript */
function checkLanguage(node: CheckedNode, report: Report): boolean {
  const language = node.version >= 2 ? node.values.get('language') : 'javaScript'
  if (language === 'python') {
    report.add(node, {
      code: 'python-not-available',
      level: 'warning',
      at: '/parameters/language',
      message:
        'n8n 2 runs Python only with a Python runner, without the Pyodide packages, and only if the server allows it. Use JavaScript, or pythonNative with a runner',
    })
  }
  if (language === 'javaScript') return false
  const { pythonCode } = node.parameters
  if (typeof pythonCode === 'string' && isJavaScript(pythonCode)) {
    report.add(node, {
      code: 'invalid-code',
      level: 'error',
      at: '/parameters/pythonCode',
      message: 'The code is JavaScript, but its language is Python. Set language to "javaScript"',
      fix: Object.hasOwn(node.parameters, 'jsCode')
        ? undefined
        : patch('Set the language to JavaScript', [
            { op: 'add', path: `${node.pointer}/parameters/language`, value: 'javaScript' },
            {
              op: 'move',
              from: `${node.pointer}/parameters/pythonCode`,
              path: `${node.pointer}/parameters/jsCode`,
            },
          ]),
    })
  }
  return true
}

/** Python has no declarations such as `const a = 1`. */
const isJavaScript = (code: string): boolean =>
  parseScript(code)?.program?.body.some(
    ({ type }) => type === 'VariableDeclaration' || type === 'FunctionDeclaration',
  ) ?? false

export interface CodeFacts {
  /** Arguments of the `return` statements of the script itself; undefined without an argument. */
  returns: (Expression | undefined)[]
  /** The last statement is `throw`. */
  throws: boolean
  /** Modules that it requires. */
  modules: string[]
  /** Names of nodes, with whether the matching item is read. */
  nodes: { name: string; isItem: boolean }[]
  /** Has text with `{{ }}` that only an expression fills in. */
  hasTemplate: boolean
  /** Members of `$input`. */
  inputMembers: Set<string>
  /** Variables that are read other than by `typeof`. Includes declared names. */
  identifiers: Set<string>
  /** Declared names with their initial value. */
  declared: Map<string, Expression | undefined>
  /** Variables that are assigned after their declaration. */
  assigned: Set<string>
}

export function readCode(program: { body: readonly Node[] }): CodeFacts {
  const found: CodeFacts = {
    returns: [],
    throws: program.body.at(-1)?.type === 'ThrowStatement',
    modules: [],
    nodes: [],
    hasTemplate: false,
    inputMembers: new Set(),
    identifiers: new Set(),
    declared: new Map(),
    assigned: new Set(),
  }
  walk(program, (node, parent, isNested) => {
    visit(node, isNested, parent, found)
  })
  return found
}

function visit(node: AnyNode, isNested: boolean, parent: AnyNode | undefined, found: CodeFacts): void {
  const { type } = node
  if (type === 'ReturnStatement') {
    if (!isNested) found.returns.push(node.argument ?? undefined)
  } else if (type === 'VariableDeclarator') {
    const initial = node.id.type === 'Identifier' ? (node.init ?? undefined) : undefined
    for (const name of namesIn(node.id)) found.declared.set(name, initial)
  } else if (type === 'AssignmentExpression') {
    if (node.left.type !== 'MemberExpression') for (const name of namesIn(node.left)) found.assigned.add(name)
  } else if (type === 'UpdateExpression') {
    if (node.argument.type === 'Identifier') found.assigned.add(node.argument.name)
  } else if (type === 'Literal' || type === 'TemplateElement') {
    const text = type === 'Literal' ? node.value : node.value.cooked
    if (typeof text === 'string' && template.test(text)) found.hasTemplate = true
  } else if (type === 'CallExpression') {
    readCall(node, parent, found)
  } else if (type === 'MemberExpression') {
    if (node.object.type === 'Identifier') readMember(node.object.name, node, found)
  } else if (type === 'Identifier') {
    if (isReference(node, parent)) found.identifiers.add(node.name)
  } else if (type === 'ClassDeclaration' || type === 'ClassExpression') {
    if (node.id) found.declared.set(node.id.name, undefined)
  } else if (type === 'CatchClause') {
    if (node.param) for (const name of namesIn(node.param)) found.declared.set(name, undefined)
  } else if (
    type === 'FunctionDeclaration' ||
    type === 'FunctionExpression' ||
    type === 'ArrowFunctionExpression'
  ) {
    if (type !== 'ArrowFunctionExpression' && node.id) found.declared.set(node.id.name, undefined)
    for (const name of node.params.flatMap(namesIn)) found.declared.set(name, undefined)
  }
}

/** Names after these are labels. */
const labelled = /^(?:Labeled|Break|Continue)Statement$|^MetaProperty$/

function isReference(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (parent?.type === 'MemberExpression') return parent.object === node || parent.computed
  if (
    parent?.type === 'Property' ||
    parent?.type === 'MethodDefinition' ||
    parent?.type === 'PropertyDefinition'
  )
    return parent.value === node || parent.computed
  if (parent?.type === 'UnaryExpression') return parent.operator !== 'typeof'
  return parent === undefined || !labelled.test(parent.type)
}

function readCall(
  node: Extract<AnyNode, { type: 'CallExpression' }>,
  parent: AnyNode | undefined,
  found: CodeFacts,
): void {
  const { callee } = node
  const [argument] = node.arguments
  const text = argument?.type === 'Literal' && typeof argument.value === 'string' ? argument.value : undefined
  if (callee.type !== 'Identifier' || text === undefined) return
  if (callee.name === 'require') found.modules.push(text)
  if (callee.name === '$' || callee.name === '$items') {
    const member =
      parent?.type === 'MemberExpression' && parent.property.type === 'Identifier' ? parent.property.name : ''
    found.nodes.push({ name: text, isItem: member === 'item' || member === 'itemMatching' })
  }
}

function readMember(
  object: string,
  { property, computed }: Extract<AnyNode, { type: 'MemberExpression' }>,
  found: CodeFacts,
): void {
  const name =
    property.type === 'Identifier' && !computed
      ? property.name
      : property.type === 'Literal' && typeof property.value === 'string'
        ? property.value
        : undefined
  if (name === undefined) return
  if (object === '$node') found.nodes.push({ name, isItem: false })
  if (object === '$input') found.inputMembers.add(name)
}

type Kind = 'object' | 'list' | 'list of values' | 'value' | 'unknown'

/** Methods and functions that return text. */
const textMethods = new Set([
  'stringify',
  'join',
  'toISOString',
  'toUpperCase',
  'toLowerCase',
  'toFixed',
  'trim',
])
const scalarFunctions = new Set([
  'String',
  'Number',
  'Boolean',
  'parseInt',
  'parseFloat',
  'encodeURIComponent',
])

/** Expressions whose value is neither an object nor a list. */
const scalarTypes = new Set([
  'TemplateLiteral',
  'BinaryExpression',
  'UpdateExpression',
  'UnaryExpression',
  'ArrowFunctionExpression',
  'FunctionExpression',
])

/** What an expression certainly evaluates to. */
function kindOf(expression: Expression | undefined, script: CodeFacts, depth = 0): Kind {
  if (!expression) return 'value'
  const { type } = expression
  if (depth > 5) return 'unknown'
  if (type === 'Literal') return expression.value === null ? 'unknown' : 'value'
  if (scalarTypes.has(type)) return 'value'
  if (type === 'ObjectExpression') return 'object'
  if (type === 'ArrayExpression') {
    const isOfValues = expression.elements.some((each) => {
      if (!each || each.type === 'SpreadElement') return false
      const kind = kindOf(each, script, depth + 1)
      return kind !== 'object' && kind !== 'unknown'
    })
    return isOfValues ? 'list of values' : 'list'
  }
  if (type === 'ConditionalExpression') {
    const kind = kindOf(expression.consequent, script, depth + 1)
    return kind === kindOf(expression.alternate, script, depth + 1) ? kind : 'unknown'
  }
  if (type === 'CallExpression') return kindOfCall(expression, script, depth)
  if (type === 'MemberExpression') {
    const { property } = expression
    return property.type === 'Identifier' && property.name === 'length' ? 'value' : 'unknown'
  }
  if (type !== 'Identifier') return 'unknown'
  if (expression.name === 'undefined') return 'value'
  const initial = script.declared.get(expression.name)
  const kind =
    initial && !script.assigned.has(expression.name) ? kindOf(initial, script, depth + 1) : 'unknown'
  // A list can be filled after its declaration.
  return kind === 'value' || kind === 'list of values' ? kind : 'unknown'
}

function kindOfCall({ callee, arguments: given }: CallExpression, script: CodeFacts, depth: number): Kind {
  if (callee.type === 'Identifier') return scalarFunctions.has(callee.name) ? 'value' : 'unknown'
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return 'unknown'
  if (textMethods.has(callee.property.name)) return 'value'
  if (
    callee.property.name === 'all' &&
    callee.object.type === 'Identifier' &&
    callee.object.name === '$input'
  )
    return 'list'
  const [mapper] = given
  if (callee.property.name !== 'map' || mapper?.type !== 'ArrowFunctionExpression') return 'unknown'
  if (mapper.body.type === 'BlockStatement') return 'unknown'
  return kindOf(mapper.body, script, depth + 1) === 'value' ? 'list of values' : 'unknown'
}

/** The items that are written in a `return` statement. */
function itemsIn(expression: Expression | undefined): Expression[] {
  if (expression?.type === 'ObjectExpression') return [expression]
  if (expression?.type === 'ArrayExpression') {
    return expression.elements.flatMap((each) => (each && each.type !== 'SpreadElement' ? [each] : []))
  }
  const mapper = mapperOf(expression)
  return mapper && mapper.body.type !== 'BlockStatement' ? [mapper.body] : []
}

/** The value of `json` in an object literal. */
function jsonOf(item: Expression): Expression | undefined {
  if (item.type !== 'ObjectExpression') return undefined
  for (const each of item.properties) {
    if (
      each.type === 'Property' &&
      each.key.type === 'Identifier' &&
      each.key.name === 'json' &&
      !each.computed
    )
      return each.value
  }
  return undefined
}

function mapperOf(expression: Expression | undefined) {
  if (expression?.type !== 'CallExpression') return undefined
  const { callee } = expression
  const [mapper] = expression.arguments
  const isMap =
    callee.type === 'MemberExpression' &&
    callee.property.type === 'Identifier' &&
    callee.property.name === 'map'
  return isMap && mapper?.type === 'ArrowFunctionExpression' ? mapper : undefined
}

const isAsyncMap = (expression: Expression | undefined): boolean => mapperOf(expression)?.async === true

function checkReturns(node: CheckedNode, script: CodeFacts, at: string, report: Report): void {
  const mode = node.values.get('mode')
  const kinds = script.returns.map((each) => kindOf(each, script))
  const returnsNothing = script.returns.every((each) => each === undefined) && !script.throws
  const add = (message: string, n8n?: string) =>
    report.add(node, { code: 'code-returns-no-items', level: 'error', at, message, n8n })
  const isNoObject = (each: Expression | undefined) => {
    const json = each && jsonOf(each)
    return json && !['object', 'unknown'].includes(kindOf(json, script))
  }
  if (script.returns.flatMap(itemsIn).some(isNoObject)) {
    add('json must be an object, such as { json: { text: "…" } }', "A 'json' property isn't an object")
    return
  }
  if (mode === 'runOnceForEachItem') {
    if (returnsNothing) {
      report.add(node, {
        code: 'code-returns-no-items',
        level: 'warning',
        at,
        message:
          'The code returns nothing, so n8n drops every item. Return an object such as { json: { … } }',
      })
    } else if (kinds.length > 0 && kinds.every((kind) => kind === 'value' || kind.startsWith('list'))) {
      add(
        'The code runs once for each item and must return one object, not a list or text',
        "A 'json' property isn't an object",
      )
    }
    return
  }
  if (mode !== 'runOnceForAllItems') return
  const n8n = "Code doesn't return items properly"
  if (script.returns.some((each) => isAsyncMap(each))) {
    add('The code returns a list of promises, so the items are empty. Use return await Promise.all(…)')
    return
  }
  if (returnsNothing) {
    add('The code returns nothing. Return a list of items, such as [{ json: { … } }]', n8n)
  } else if (kinds.length > 0 && kinds.every((kind) => kind === 'value' || kind === 'list of values')) {
    add('The code must return a list of objects, such as [{ json: { … } }]', n8n)
  }
}

function checkUses(
  node: CheckedNode,
  facts: CodeFacts,
  at: string,
  references: References,
  report: Report,
  code: string,
  isCodeNode: boolean,
  program: { body: readonly Node[] },
): void {
  references.checkNames(node, facts.nodes, at, code)
  for (const module of new Set(facts.modules)) {
    report.add(node, {
      code: 'module-not-allowed',
      level: 'warning',
      at,
      message: `n8n does not load the module ${shown(module)} unless the server allows it`,
      n8n: `Module '${shown(module)}' is disallowed`,
    })
  }
  if (!isCodeNode) return
  const mode = node.values.get('mode')
  const place = mode === 'runOnceForEachItem' ? 'each' : 'all'
  checkVariables(node, facts, place, at, report)
  if (facts.hasTemplate) {
    report.add(node, {
      code: 'literal-expression',
      level: 'warning',
      at,
      message: 'n8n does not evaluate {{ }} in code. Use the variable itself, such as $json.a',
    })
  }
  const members = findMembers(program, code, place, facts.declared, facts.assigned)
  references.checkMembers(node, members, at, code, 0)
  if (mode === 'runOnceForEachItem') {
    const method = [...facts.inputMembers].find((each) => listMethods.has(each))
    if (method !== undefined) {
      report.add(node, {
        code: 'input-in-wrong-mode',
        level: 'error',
        at,
        message: `$input.${method}() is only available in Run Once for All Items mode. Use $input.item`,
        n8n: `Can't use .${method}() here`,
      })
    }
    if (facts.identifiers.has('items') && !facts.declared.has('items')) {
      report.add(node, {
        code: 'input-in-wrong-mode',
        level: 'error',
        at,
        message: 'items is not defined in Run Once for Each Item mode. Use $input.item',
        n8n: 'items is not defined',
      })
    }
  } else if (mode === 'runOnceForAllItems') {
    if (facts.inputMembers.has('item') || facts.identifiers.has('$json')) {
      report.add(node, {
        code: 'input-in-wrong-mode',
        level: 'hint',
        at,
        message: `In Run Once for All Items mode, ${facts.inputMembers.has('item') ? '$input.item' : '$json'} is only the first item. Use $input.all()`,
      })
    }
  }
}
