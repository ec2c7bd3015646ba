/** @module Checks every string of a node's parameters: expressions, a missing `=`, and what they refer to. */
import { isContainer } from '../../lib/json-object.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import { type CodeFacts, readCode } from '../code/check-code.ts'
import { findMembers, type Member } from '../code/members.ts'
import { type Parsed, parseScript } from '../code/parser.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'
import type { CheckedNode } from '../model.ts'
import { pointerAt, replacement, type Report } from '../report.ts'
import { checkJsonTemplate } from '../values/json-text.ts'
import { isJsonByName } from '../values/check-parameters.ts'
import { byName } from '../../n8n/catalogue/parameter-scope.ts'
import type { References } from './references.ts'
import { type Chunk, splitTemplate } from './template.ts'
import { checkVariables } from './variables.ts'

/** Something that only an expression can mean. */
const n8nVariable =
  /\$(?:json|node|input|items?|now|today|binary|workflow|execution|prevNode|runIndex|itemIndex|vars|env|parameter|fromAI|jmespath|ifEmpty|if|max|min)\b|\$\(|\b(?:new Date|DateTime\.|JSON\.(?:parse|stringify)|Math\.|Object\.)/
/** `=$json.email`, without braces. */
const bareReference =
  /^=\s*\$(?:json|node|input|items?|now|today|vars|execution|workflow)\b[\w.[\]()"'$?-]*\s*$|^=\s*\$\((["'])[^"']*\1\)[\w.[\]()"'$?-]*\s*$/
/** `={ $json.email }` and `=${ $json.email }`, with the braces of another language. */
const otherBraces = /^=\s*\$?\{\s*((?:\$json\b|\$\((["'])[^"']*\2\))[\w.[\]()"'$?-]*)\s*\}\s*$/
/** `$json.email`, without `=` and braces. */
const bareField =
  /^\s*(?:\$json(?:\??\.[A-Za-z_]|\[["'])|\$\((["'])[^"']*\1\)\.(?:item|first\(\)|last\(\))\.json\b)[\w.[\]()"'$?-]*\s*$/
/** `Hello ${$json.name}`, as in a JavaScript template literal. */
const templateReference =
  /\$\{\s*((?:\$json(?:\??\.[A-Za-z_]|\[["'])|\$\((["'])[^"']*\2\)\.)[\w.[\]()"'$?-]*)\s*\}/g
/** Simple enough not to need the parser. */
const simplePath =
  /^\s*(?:\$(?:json|now|today|vars|execution|workflow|prevNode|itemIndex|runIndex)\b|\$input\.(?:item|first\(\)|last\(\))\.json)(?:\??\.[A-Za-z_$][\w$]*|\??\[(?:\d+|"[^"\\\n]*"|'[^'\\\n]*')\])*\s*$/

/** Types whose text holds `{{ }}` that the node itself evaluates or passes on. */
const templateEditors = new Set(['sqlEditor', 'htmlEditor', 'cssEditor', 'jsEditor', 'codeNodeEditor'])

export class ExpressionChecker {
  readonly #report: Report
  readonly #references: References
  /** Most expressions occur more than once. */
  readonly #read = new Map<string, Script>()

  constructor(report: Report, references: References) {
    this.#report = report
    this.#references = references
  }

  check(node: CheckedNode): void {
    if (node.isSticky) return
    for (const [name, value] of Object.entries(node.parameters)) {
      const displayed = node.facts ? node.values.displayed(name) : []
      // n8n does not evaluate what it does not display.
      if (node.facts && displayed.length === 0 && byName(node.values.properties).has(name)) continue
      this.#visit(node, value, pointerAt('/parameters', name), displayed, name)
    }
  }

  #visit(
    node: CheckedNode,
    value: unknown,
    at: string,
    properties: readonly PropertyFacts[],
    name: string,
  ): void {
    if (typeof value === 'string') {
      if (value.startsWith('=')) this.#expression(node, value, at, properties, name)
      else if (value.includes('{{') || bareField.test(value)) this.#literal(node, value, at, properties)
      return
    }
    if (!isContainer(value)) return
    const isList = Array.isArray(value)
    const members = isList
      ? []
      : properties.flatMap(({ options = [], values = [] }) => [...options, ...values])
    for (const [key, each] of Object.entries(value)) {
      if (key.startsWith('cachedResult')) continue
      const below = isList ? properties : (byName(members).get(key) ?? [])
      this.#visit(node, each, pointerAt(at, key), below, key)
    }
  }

  #literal(node: CheckedNode, value: string, at: string, properties: readonly PropertyFacts[]): void {
    const [property] = properties
    const isCode = property && (isTemplate(property) || property.noDataExpression)
    if (isCode || codeParameters.has(lastKey(at)) || evaluatesItself(node, at)) return
    if (!value.includes('{{')) {
      this.#withoutBraces(node, value, at)
      return
    }
    const chunks = splitTemplate(value)
    if (!chunks.some(({ isCode: code, isClosed, text }) => code && isClosed && n8nVariable.test(text))) return
    this.#report.add(node, {
      code: 'literal-expression',
      level: 'warning',
      at,
      message: 'n8n takes the {{ }} literally, because the value does not start with =. Add = at the start',
      fix: replacement('Add = at the start', node.pointer + at, `=${value.replace(/^\s+=+\s*(?=\{\{)/, '')}`),
    })
  }

  #expression(
    node: CheckedNode,
    value: string,
    at: string,
    properties: readonly PropertyFacts[],
    name: string,
  ): void {
    const [property] = properties
    if (property?.noDataExpression && !/fromAI/i.test(value)) return
    if (!value.includes('{{')) {
      if (this.#templateReferences(node, value, at)) return
      const braced = otherBraces.exec(value)?.[1]
      if (braced !== undefined || bareReference.test(value)) {
        this.#withoutBraces(node, braced ?? value.slice(1), at)
      }
      return
    }
    const template = value.slice(1)
    const extra = /^\s*=+\s*(?=\{\{)/.exec(template)?.[0]
    if (extra !== undefined) {
      this.#report.add(node, {
        code: 'literal-expression',
        level: 'warning',
        at,
        message: 'An expression starts with one =. n8n takes the second one literally',
        fix: replacement('Remove it', node.pointer + at, `=${template.slice(extra.length)}`),
      })
    }
    const chunks = splitTemplate(template)
    let isValid = true
    for (const chunk of chunks) {
      if (!chunk.isCode) continue
      const fault = this.#fault(chunk)
      if (fault === null) continue
      isValid = false
      const braces = repairedBraces(template, chunk) ?? withoutNestedBraces(template, chunk)
      const repaired = braces ?? repairedQuotes(template, chunk)
      this.#report.add(node, {
        code: 'invalid-expression',
        level: 'error',
        at,
        message: `The expression {{${shown(chunk.text)}}} is not valid: ${fault}`,
        n8n: 'invalid syntax',
        fix:
          repaired === undefined
            ? undefined
            : replacement(
                braces === undefined ? 'Use straight quotes' : 'Correct the braces',
                node.pointer + at,
                `=${repaired}`,
              ),
      })
      break
    }
    if (isValid && property && (property.type === 'json' || isJsonByName(property.name)))
      checkJsonTemplate(node, name, value, at, this.#report)
    if (isValid) this.#variables(node, chunks, at, value)
    this.#references.checkExpression(node, chunks, at, value)
  }

  #variables(node: CheckedNode, chunks: readonly Chunk[], at: string, value: string): void {
    for (const { isCode, text, start } of chunks) {
      const script = isCode ? this.#script(text) : undefined
      if (!script?.facts) continue
      const { facts, members } = script
      checkVariables(node, facts, 'expression', at, this.#report, (name, meant) => {
        const free = new RegExp(String.raw`(?<![\w$."'])${name}(?=\s*(?:\?\.|[.[(]))`, 'g')
        const code = text.replaceAll(free, () => meant)
        const at0 = start + 1
        return code === text
          ? undefined
          : replacement(
              `Use ${meant}`,
              node.pointer + at,
              value.slice(0, at0) + code + value.slice(at0 + text.length),
            )
      })
      const base = start + 1 - (asStatement(text).length > text.length ? 1 : 0)
      this.#references.checkMembers(node, members, at, value, base)
    }
  }

  #templateReferences(node: CheckedNode, value: string, at: string): boolean {
    const replaced = value.replace(templateReference, '{{ $1 }}')
    if (replaced === value) return false
    this.#report.add(node, {
      code: 'expression-without-braces',
      level: 'warning',
      at,
      message: 'n8n takes ${ } literally: an expression needs {{ }} around it',
      fix: replacement(
        'Replace ${ } with {{ }}',
        node.pointer + at,
        replaced.startsWith('=') ? replaced : `=${replaced}`,
      ),
    })
    return true
  }

  #withoutBraces(node: CheckedNode, code: string, at: string): void {
    this.#report.add(node, {
      code: 'expression-without-braces',
      level: 'warning',
      at,
      message: 'n8n takes this literally: an expression needs ={{ }} around it',
      fix: replacement('Add the braces', node.pointer + at, `={{ ${code.trim()} }}`),
    })
  }

  /** Null if the code is a valid expression. */
  #fault({ text, isClosed }: Chunk): string | null {
    if (isClosed && text.trim() === '') return 'it is empty. Remove the braces, or write an expression'
    return this.#script(text)?.fault ?? null
  }

  /** Undefined for code that needs no parser. */
  #script(text: string): Script | undefined {
    if (text.trim() === '' || simplePath.test(text)) return undefined
    let script = this.#read.get(text)
    if (!script) this.#read.set(text, (script = readExpression(text)))
    return script
  }
}

interface Script {
  fault: string | null
  facts?: CodeFacts
  members: readonly Member[]
}

function readExpression(text: string): Script {
  const code = asStatement(text)
  const parsed = parseScript(code)
  const fault = faultOf(parsed)
  const program = fault === null ? parsed?.program : undefined
  if (!program) return { fault, members: [] }
  const facts = readCode(program)
  const members = findMembers(program, code, 'expression', facts.declared, facts.assigned)
  return { fault, facts, members }
}

export const asStatement = (code: string): string => (code.trimStart().startsWith('{') ? `(${code})` : code)

/** n8n evaluates the first statement, which must be an expression. An object literal needs no parentheses. */
export const expressionFault = (code: string): string | null => faultOf(parseScript(asStatement(code)))

function faultOf(parsed: Parsed | undefined): string | null {
  if (!parsed) return null
  if (parsed.program === undefined) return parsed.fault
  const [first] = parsed.program.body
  return !first || first.type === 'ExpressionStatement' ? null : 'it is a statement. Use an expression'
}

/** `{{ {a: {b: 1}} }}` ends at the first `}}`. */
function repairedBraces(template: string, { start }: Chunk): string | undefined {
  const end = template.lastIndexOf('}}')
  const code = template.slice(start, end)
  if (end < start || !code.includes('}}') || code.includes('{{')) return undefined
  const spaced = code.replaceAll(/\}(?=\})/g, '} ')
  return expressionFault(spaced) === null
    ? template.slice(0, start) + spaced + template.slice(end)
    : undefined
}

/** `{{ {{ $json.a }} }}` and `{{{ $json.a }}}` */
function withoutNestedBraces(template: string, { start, text }: Chunk): string | undefined {
  const nested = text.indexOf('{')
  if (nested < 0 || (text.slice(0, nested).match(/["'`]/g)?.length ?? 0) % 2 === 1) return undefined
  const brackets = /\{{2,3}|\}{2,3}/g
  brackets.lastIndex = start
  let depth = 1
  for (let match = brackets.exec(template); match; match = brackets.exec(template)) {
    depth += match[0].startsWith('{') ? 1 : -1
    if (depth > 0) continue
    const end = match.index + match[0].length
    const inner = template.slice(start, end - 2).replaceAll(/\{\{\s*|\s*\}\}|^\{|\}$/g, '')
    const code = inner.trim()
    return code !== '' && expressionFault(code) === null
      ? `${template.slice(0, start)} ${code} }}${template.slice(end)}`
      : undefined
  }
  return undefined
}

/** With straight quotes instead of typographic ones, if the expression is valid then. */
function repairedQuotes(template: string, { start, text }: Chunk): string | undefined {
  const straight = text.replaceAll(/[‘’]/g, "'").replaceAll(/[“”]/g, '"')
  return straight !== text && expressionFault(straight) === null
    ? template.slice(0, start) + straight + template.slice(start + text.length)
    : undefined
}

const isTemplate = ({ typeOptions }: PropertyFacts): boolean =>
  typeOptions?.editor !== undefined && templateEditors.has(typeOptions.editor)

/** Code is checked elsewhere; the rest is text that other systems fill in. */
const codeParameters = new Set(['jsCode', 'pythonCode', 'functionCode', 'cssCode', 'html', 'htmlTemplate'])

/** Nodes that evaluate `{{ }}` in a parameter without a leading `=`. */
export function evaluatesItself({ shortType }: Pick<CheckedNode, 'shortType'>, at: string): boolean {
  const key = lastKey(at)
  if (key === 'query' || key === 'sqlQuery') {
    return /^(?:postgres|mySql|microsoftSql|snowflake|googleBigQuery|oracleDatabase|merge|crateDb|timescaleDb|questDb)(?:Tool)?$/.test(
      shortType,
    )
  }
  return shortType === 'form' || shortType === 'formTrigger' || shortType === 'ldap'
}

const lastKey = (at: string): string => at.slice(at.lastIndexOf('/') + 1)
