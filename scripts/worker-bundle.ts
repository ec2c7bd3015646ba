/**
 * @module Bundles the worker without what only the OpenAPI document needs (the descriptions, hono-openapi, and zod's conversion
 * to JSON Schema), without parts of packages that nothing calls, and without the indentation of SQL. Their absence changes no
 * response; `npm run build:worker` writes the document to a file.
 */
import { resolve } from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'
import { acornSubset } from './acorn-subset.ts'
import { compactSql } from './compact-sql.ts'
import { drizzleModules, drizzleSubset, withoutConstraints } from './drizzle-subset.ts'
import { httpDriver } from './http-driver.ts'
import { joseModules, joseSubset } from './jose-subset.ts'
import { mcpModules, mcpSubset } from './mcp-subset.ts'
import { withoutUnusedMethods } from './unused-methods.ts'
import { webauthnModules, webauthnSubset } from './webauthn-subset.ts'
import { withoutDocumentation } from './without-documentation.ts'
import { methodsCalledIn, zodModules, zodSubset } from './zod-subset.ts'

const root = resolve(import.meta.dirname, '..')

const mcpPackages = ['core', 'server'].map((name) =>
  resolve(root, 'node_modules/@modelcontextprotocol', name),
)
const calledMethods = () => methodsCalledIn(resolve(root, 'src'), ...mcpPackages)

const sources: Plugin = {
  name: 'sources-without-documentation',
  transform: {
    filter: { id: /[\\/]src[\\/].*\.tsx?$/, code: /\/openapi\.ts'|'zod'/ },
    handler: (source, id) => ({ code: withoutDocumentation(id, source) }),
  },
}

const statements: Plugin = {
  name: 'statements-without-indentation',
  transform: {
    filter: { id: /[\\/]src[\\/].*\.tsx?$/, code: /\bsql\b/ },
    handler: (source, id) => ({ code: compactSql(id, source) }),
  },
}

/** Nothing calls it once the descriptions are removed. It would bring all of zod along. */
const honoOpenapi: Plugin = {
  name: 'without-hono-openapi',
  resolveId: { filter: { id: /^hono-openapi$/ }, handler: (id) => `\0${id}` },
  load: {
    filter: { id: /^\0hono-openapi$/ },
    handler: () =>
      'export const describeRoute = null, resolver = null, uniqueSymbol = null, validator = null',
  },
}

const zod: Plugin = {
  name: 'zod-without-unused-methods',
  transform: {
    filter: { id: zodModules },
    handler: (source, id) => ({ code: zodSubset(id, source, calledMethods()), map: null }),
  },
}

const driver: Plugin = {
  name: 'database-driver-over-http',
  transform: {
    filter: { id: /@neondatabase[\\/]serverless[\\/]index\.mjs$/ },
    handler: (source) => ({ code: httpDriver(source) }),
  },
}

/** bcryptjs starts from 4 KiB of digits of π. The worker computes them for its first password. */
const bcryptTables: Plugin = {
  name: 'bcryptjs-without-digits-of-pi',
  transform: {
    filter: { id: /[\\/]bcryptjs[\\/]index\.js$/ },
    handler: (source) => ({ code: withoutTables(source), map: null }),
  },
}

function withoutTables(source: string): string {
  const [p, s] = [/var P_ORIG = \[[^\]]*\];/, /var S_ORIG = \[[^\]]*\];/]
  const copies = ['new Int32Array(P_ORIG)', 'new Int32Array(S_ORIG)']
  if (!p.test(source) || !s.test(source) || !copies.every((copy) => source.includes(copy))) {
    throw new Error('bcryptjs has changed')
  }
  return source
    .replace(
      p,
      `import { fractionOfPi } from ${JSON.stringify(resolve(root, 'src/worker/pi.ts'))}; var P_ORIG`,
    )
    .replace(s, 'var S_ORIG = 1024;')
    .replace('new Int32Array(P_ORIG)', '(P_ORIG ??= fractionOfPi(18 + S_ORIG)).slice(0, 18)')
    .replace('new Int32Array(S_ORIG)', 'P_ORIG.slice(18)')
}

const drizzle: Plugin = {
  name: 'drizzle-without-unused-parts',
  transform: {
    filter: { id: drizzleModules },
    handler: (source, id) => {
      const code = drizzleSubset(id, source)
      return code === null ? null : { code, map: null }
    },
  },
}

const jose: Plugin = {
  name: 'jose-without-unused-algorithms',
  transform: {
    filter: { id: joseModules },
    handler: (source, id) => ({ code: joseSubset(id, source), map: null }),
  },
}

const acorn: Plugin = {
  name: 'acorn-without-options',
  transform: {
    filter: { id: /[\\/]acorn[\\/]dist[\\/]acorn\.mjs$/ },
    handler: (source) => ({ code: acornSubset(source), map: null }),
  },
}

const mcp: Plugin = {
  name: 'mcp-without-unused-parts',
  transform: {
    filter: { id: mcpModules },
    handler: (source, id) => ({ code: mcpSubset(id, source), map: null }),
  },
}

/** aws4fetch derives service and region from hosts of AWS. The worker passes both. */
const aws: Plugin = {
  name: 'aws4fetch-without-hosts',
  transform: {
    filter: { id: /[\\/]aws4fetch[\\/]dist[\\/]aws4fetch\.esm\.mjs$/ },
    handler: (source) => {
      const code = source.replace(/(?<=\nfunction guessServiceRegion\(.*\) \{)[^]+?(?=\n\})/, ' return [];')
      if (code === source) throw new Error('aws4fetch has changed')
      return { code, map: null }
    },
  },
}

const protobuf: Plugin = {
  name: 'pbf-without-unused-methods',
  transform: {
    filter: { id: /[\\/]pbf[\\/]index\.js$/ },
    handler: (source) => ({ code: withoutUnusedMethods(source, calledMethods()), map: null }),
  },
}

/** hono first tries a router that rejects the paths of the application, then this one. */
const router: Plugin = {
  name: 'hono-with-one-router',
  transform: {
    filter: { id: /[\\/]hono[\\/]dist[\\/]hono\.js$/ },
    handler: (source) => {
      const code = source.replace(/new SmartRouter\(.+\)(?=;)/, 'new TrieRouter()')
      if (code === source) throw new Error('hono has changed')
      return { code, map: null }
    },
  },
}

const tables: Plugin = {
  name: 'tables-without-constraints',
  transform: {
    filter: { id: /[\\/]src[\\/]db[\\/]schema[\\/].*\.ts$/ },
    handler: (source, id) => ({ code: withoutConstraints(id, source) }),
  },
}

const webauthn: Plugin = {
  name: 'simplewebauthn-without-attestation',
  transform: {
    filter: { id: webauthnModules },
    handler: (source, id) => {
      const code = webauthnSubset(id, source)
      return code === null ? null : { code, map: null }
    },
  },
}

/** The entry first, then what it loads. */
export async function bundleWorker(input = { worker: 'src/worker.ts' }): Promise<OutputChunk[]> {
  await using bundle = await rolldown({
    cwd: root,
    input,
    external: /^(cloudflare|node):/,
    platform: 'browser',
    checks: { pluginTimings: false },
    tsconfig: 'tsconfig.json',
    resolve: { conditionNames: ['workerd', 'worker', 'browser', 'import'] },
    experimental: { nativeMagicString: true },
    // Their modules have no effects, but the packages do not declare it.
    treeshake: {
      moduleSideEffects: [
        {
          test: /node_modules[\\/](hono|@modelcontextprotocol[\\/]core|@simplewebauthn[\\/]server|@peculiar|@levischuck|@hexagon)[\\/]/,
          sideEffects: false,
        },
      ],
    },
    plugins: [
      tables,
      statements,
      sources,
      honoOpenapi,
      zod,
      driver,
      drizzle,
      jose,
      acorn,
      mcp,
      aws,
      router,
      protobuf,
      bcryptTables,
      webauthn,
    ],
  })
  const { output } = await bundle.generate({
    format: 'esm',
    minify: true,
    comments: false,
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
  })
  return output.filter((file) => file.type === 'chunk')
}
