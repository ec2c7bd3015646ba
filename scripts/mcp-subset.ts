/**
 * @module Reduces the MCP package to what `src/mcp` uses: the low-level server behind its HTTP handler. Left out: the high-level
 * server, which converts zod schemas to JSON Schema, the validator of JSON Schema, requests from the server to the client, and
 * the schemas that only other programs read.
 */

/** Files of the package that `mcpSubset` changes. */
export const mcpModules =
  /@modelcontextprotocol[\\/]server[\\/]dist[\\/](shimsWorkerd|mcp-[\w-]+|src-[\w-]+)\.mjs$/

/** Replacements of the regions that the package marks with the name of their source file. */
const regions: Record<string, Record<string, string>> = {
  mcp: {
    'src/server/mcp.ts': 'var McpServer = class {}, ResourceTemplate = null',
    'src/server/legacyInputRequiredShim.ts':
      'const LegacyInputRequiredShim = null, coerceEmbeddedInputRequest = null, resolveLegacyShimOptions = () => ({ legacyShim: false })',
  },
  src: {
    '../core-internal/src/types/schemas.ts': '',
    '../core-internal/src/types/specTypeSchema.ts': 'const specTypeSchemas = null, isSpecType = null',
    '../core-internal/src/shared/elicitation.ts': 'const normalizeElicitInputParams = null',
    '../core-internal/src/shared/inputRequired.ts':
      'const acceptedContent = null, inputRequired = null, inputResponse = null',
    '../core-internal/src/util/standardSchema.ts':
      'const isStandardSchema = () => false, promptArgumentsFromStandardSchema = null, standardSchemaToJsonSchema = null, validateStandardSchema = null',
  },
}

export function mcpSubset(path: string, source: string): string {
  if (path.endsWith('shimsWorkerd.mjs'))
    return 'export const process = null, DefaultJsonSchemaValidator = class {}'
  const file = mcpModules.exec(path)?.[1]?.replace(/-.*/, '') ?? ''
  return Object.entries(regions[file] ?? {}).reduce((text, [name, replacement]) => {
    const start = text.indexOf(`//#region ${name}\n`)
    const end = text.indexOf('//#endregion', start)
    if (start === -1 || end === -1) throw new Error(`The MCP package has no ${name}`)
    return `${text.slice(0, start)}${replacement}\n${text.slice(end)}`
  }, source)
}
