/**
 * Resolves the modules of drizzle-orm once. Node parses the `exports` of a package, here 140 KB, again for each of its files:
 * more than a second for each start. Node versions without these hooks start as before.
 */
import * as module from 'node:module'

const inside = '/node_modules/drizzle-orm/'
const resolved = new Map()

module.registerHooks?.({
  resolve: (specifier, context, next) => {
    if (specifier.startsWith('.') && context.parentURL?.includes(inside)) {
      return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
    }
    if (!/^drizzle-orm(\/|$)/.test(specifier)) return next(specifier, context)
    const found = resolved.get(specifier) ?? next(specifier, context)
    resolved.set(specifier, found)
    return { ...found, shortCircuit: true }
  },
})
