/** Preloaded for tools that need the compiler API, which TypeScript 7 does not have: they get the one that TYPESCRIPT names. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === 'typescript' ? process.env.TYPESCRIPT : specifier, context),
})
