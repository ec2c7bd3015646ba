/** @module Removes methods of classes that nothing calls. Tree shaking cannot: it keeps all methods of a class. */
import { parseSync, Visitor } from 'oxc-parser'

/**
 * @param source a package of one module
 * @param called names of methods that the sources call
 */
export function withoutUnusedMethods(source: string, called: ReadonlySet<string>): string {
  let text = source
  for (;;) {
    const mentioned = new Set<string>()
    const methods: { name: string; start: number; end: number }[] = []
    new Visitor({
      MemberExpression({ property }) {
        if (property.type === 'Identifier') mentioned.add(property.name)
      },
      MethodDefinition({ key, kind, computed, start, end }) {
        if (key.type === 'Identifier' && kind === 'method' && !computed)
          methods.push({ name: key.name, start, end })
      },
    }).visit(parseSync('a.js', text).program)
    const unused = methods.filter(({ name }) => !mentioned.has(name) && !called.has(name))
    if (unused.length === 0) return text
    text = unused
      .toSorted((a, b) => b.start - a.start)
      .reduce((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text)
  }
}
