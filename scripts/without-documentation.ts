/**
 * @module Removes from the sources of the worker what only the OpenAPI document reads: descriptions of routes and of schemas.
 * Schemas of responses are then unused, and the bundler drops them.
 */
import { type CallExpression, type Expression, parseSync, Visitor } from 'oxc-parser'
import { RolldownMagicString } from 'rolldown'

const documenting = new Set(['describe', 'documented'])

/** @param path decides between TypeScript and TSX, and names a contract, whose constants have no effect but their value */
export function withoutDocumentation(path: string, source: string): RolldownMagicString {
  const { program, module, errors } = parseSync(path, source)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const importsOf = (specifier: RegExp) =>
    module.staticImports
      .filter(({ moduleRequest }) => specifier.test(moduleRequest.value))
      .flatMap(({ entries }) => entries.map(({ localName }) => localName.value))
  const removable = new Set(importsOf(/(^|\/)openapi\.ts$/).filter((name) => documenting.has(name)))
  const hasSchemas = importsOf(/^zod$/).length > 0
  const result = new RolldownMagicString(source)

  new Visitor({
    CallExpression(call) {
      call.arguments.forEach((argument, index) => {
        if (argument.type !== 'CallExpression' || !calls(argument, removable)) return
        result.remove(argument.start, call.arguments[index + 1]?.start ?? argument.end)
      })
      const { callee } = call
      if (hasSchemas && call.arguments.length === 1 && isMember(callee, ['describe', 'meta'])) {
        result.remove(callee.object.end, call.end)
      }
    },
  }).visit(program)
  if (hasSchemas) {
    for (const { start, end } of program.body.flatMap(initialCalls)) {
      result.prependRight(start, '/* @__PURE__ */ (() => ').appendLeft(end, ')()')
    }
  }
  return result
}

const calls = ({ callee }: CallExpression, names: ReadonlySet<string>): boolean =>
  callee.type === 'Identifier' && names.has(callee.name)

type Member = Expression & { type: 'MemberExpression'; object: Expression }

const isMember = (callee: Expression, names: readonly string[]): callee is Member =>
  callee.type === 'MemberExpression' &&
  callee.property.type === 'Identifier' &&
  names.includes(callee.property.name)

/** Calls whose result is the value of a constant of the module. */
function initialCalls(statement: ReturnType<typeof parseSync>['program']['body'][number]): Expression[] {
  const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
  if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') return []
  return declaration.declarations.flatMap(({ init }) => (init?.type === 'CallExpression' ? [init] : []))
}
