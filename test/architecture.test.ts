/** Checks the import order and the layout by reading every import. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, test } from 'vitest'

const src = resolve(import.meta.dirname, '../src')

/** A file may import only from its own entry and earlier ones. */
const order = [
  'errors',
  'lib',
  'telemetry',
  'crypto',
  'db',
  'n8n',
  'check',
  'http',
  'mail',
  'runs',
  'budgets',
  'users',
  'approvals',
  'credentials',
  'workflows',
  'environments',
  'instances',
  'oauth',
  'deployments',
  'executions',
  'releases',
  'testing',
  'analytics',
  'alerts',
  'search',
  'overview',
  'monitoring',
  'config',
  'deps',
  'mcp',
  'web',
  'app',
  'housekeeping',
  'worker',
  'workerd.d',
  'node',
  'cli',
]
/** May use Node modules; code for Workers does not import these files. */
const nodeOnlyFiles =
  /^(node(\.ts$|\/)|cli\/|db\/gateway\/|(instances|mail)\/net\/|n8n\/catalogue\/data-files\.ts$)/

interface SourceFile {
  /** Relative to `src`. */
  path: string
  imports: { specifier: string; typeOnly: boolean }[]
}

function read(path: string): SourceFile {
  const text = readFileSync(join(src, path), 'utf8')
  const { module, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse`)
  const fixed = module.staticImports.map((statement) => ({
    specifier: statement.moduleRequest.value,
    typeOnly: statement.entries.length > 0 && statement.entries.every((entry) => entry.isType),
  }))
  const reexported = module.staticExports.flatMap((statement) =>
    statement.entries.flatMap((entry) =>
      entry.moduleRequest ? [{ specifier: entry.moduleRequest.value, typeOnly: entry.isType }] : [],
    ),
  )
  const dynamic = module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
    specifier: text.slice(start + 1, end - 1),
    typeOnly: false,
  }))
  return { path, imports: [...fixed, ...reexported, ...dynamic] }
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path))
  .map(read)

const entryOf = (path: string): string => (path.split('/')[0] ?? '').replace(/\.tsx?$/, '')
const isLocal = (specifier: string) => specifier.startsWith('.')
const targetOf = (file: SourceFile, specifier: string) =>
  relative(src, resolve(src, dirname(file.path), specifier))
const importsOf = (file: SourceFile, matches: (specifier: string) => boolean) =>
  file.imports
    .filter(({ specifier }) => matches(specifier))
    .map(({ specifier }) => `${file.path} → ${specifier}`)

describe('the architecture', () => {
  test('lists every file in the import order', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(files.filter(({ path }) => !order.includes(entryOf(path))).map(({ path }) => path)).toEqual([])
  })

  test('allows imports only from the same or an earlier entry', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter(({ specifier }) => isLocal(specifier))
        .map(({ specifier }) => targetOf(file, specifier))
        .filter((target) => order.indexOf(entryOf(target)) > order.indexOf(entryOf(file.path)))
        .map((target) => `${file.path} → ${target}`),
    )
    expect(wrong).toEqual([])
  })

  test('detects an import in the wrong direction', () => {
    const planted = {
      path: 'db/planted.ts',
      imports: [{ specifier: '../users/routes.ts', typeOnly: false }],
    }
    expect(order.indexOf(entryOf(targetOf(planted, '../users/routes.ts')))).toBeGreaterThan(
      order.indexOf('db'),
    )
  })

  test("allows only app.ts to import a feature's routes", () => {
    const wrong = files
      .filter(({ path }) => path !== 'app.ts' && !path.startsWith('web/'))
      .flatMap((file) => importsOf(file, (specifier) => /\/routes\.tsx?$/.test(specifier)))
    expect(wrong).toEqual([])
  })

  test('allows SQL only in db/ and features, not in routes and contracts', () => {
    const wrong = files
      .filter(
        ({ path }) =>
          !path.startsWith('db/') && /(routes|contract)\.tsx?$|^(web|http|cli|crypto|n8n)\//.test(path),
      )
      .flatMap((file) => importsOf(file, (specifier) => specifier.startsWith('drizzle-orm')))
    expect(wrong).toEqual([])
  })

  describe('dashboard layout: web/<area>/<page>/{route,view}.tsx', () => {
    const web = files.filter(({ path }) => path.startsWith('web/'))
    const shared = new Set(['assets', 'charts', 'components', 'layout', 'links'])
    /** `web/workflows/edit/route.tsx` → `web/workflows/edit`; null outside a page folder. */
    const pageOf = (path: string): string | null => {
      const [, area = '', page, file] = path.split('/')
      return file === undefined || shared.has(area) ? null : `web/${area}/${page}`
    }
    const areaOf = (path: string): string | null => {
      const [, area = '', file] = path.split('/')
      return file === undefined || shared.has(area) ? null : `web/${area}`
    }
    const edges = web.flatMap((file) =>
      file.imports
        .filter(({ specifier }) => isLocal(specifier))
        .map(({ specifier }) => ({ from: file.path, to: targetOf(file, specifier) }))
        .filter(({ to }) => to.startsWith('web/')),
    )
    const told = ({ from, to }: { from: string; to: string }) => `${from} → ${to}`

    test('an area does not import from another area', () => {
      const wrong = edges.filter(
        ({ from, to }) => areaOf(from) !== null && areaOf(to) !== null && areaOf(from) !== areaOf(to),
      )
      expect(wrong.map(told)).toEqual([])
    })

    test("a page does not import another page's route, and page parts are imported within their area only", () => {
      const wrong = edges.filter(
        ({ from, to }) =>
          to.endsWith('/route.tsx') && from !== 'web/routes.tsx' && from !== `${areaOf(to)}/routes.tsx`,
      )
      expect(wrong.map(told)).toEqual([])
    })

    test('shared code imports only styles from areas', () => {
      const wrong = edges.filter(
        ({ from, to }) =>
          areaOf(from) === null &&
          areaOf(to) !== null &&
          from !== 'web/routes.tsx' &&
          !(from === 'web/assets/stylesheet.ts' && to.endsWith('/style.ts')),
      )
      expect(wrong.map(told)).toEqual([])
    })

    test('pages do not import each other', () => {
      const pairs = new Set(
        edges.flatMap(({ from, to }) => {
          const [a, b] = [pageOf(from), pageOf(to)]
          return a && b && a !== b ? [`${a} → ${b}`] : []
        }),
      )
      const circles = [...pairs].filter((pair) => pairs.has(pair.split(' → ').toReversed().join(' → ')))
      expect(circles).toEqual([])
    })
  })

  test('excludes Node-only modules from the Workers bundle', () => {
    const nodeOnly =
      /^(node:(?!async_hooks$|crypto$)|pg$|@electric-sql\/pglite|@hono\/node-server|undici$|nodemailer$|@node-rs\/bcrypt)/
    const edge = files.filter(({ path }) => !nodeOnlyFiles.test(path))
    const wrong = edge.flatMap((file) => [
      ...importsOf(file, (specifier) => nodeOnly.test(specifier)),
      ...importsOf(
        { ...file, imports: file.imports.filter(({ typeOnly }) => !typeOnly) },
        (specifier) => isLocal(specifier) && nodeOnlyFiles.test(targetOf(file, specifier)),
      ),
    ])
    expect(wrong).toEqual([])
  })

  test('source code does not import the demo, scripts or tests', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file, (specifier) => {
        const target = isLocal(specifier) ? targetOf(file, specifier) : ''
        return target.startsWith('..') && !target.startsWith('../public/data/')
      }),
    )
    expect(wrong).toEqual([])
  })

  test('has no barrel files, types.ts or utils.ts', () => {
    expect(files.filter(({ path }) => /(^|\/)(index|types|utils|helpers)\.tsx?$/.test(path))).toEqual([])
  })

  /** A pattern may occur only in the files that match `home`. */
  describe('defined once', () => {
    const homes: { piece: string; pattern: RegExp; home: RegExp }[] = [
      {
        piece: 'isObject and isContainer',
        pattern: /typeof (\w+) (=== 'object' && \1 !== null|!== 'object' \|\| \1 === null)/,
        home: /^lib\/json-object\.ts$/,
      },
      { piece: 'LIKE patterns', pattern: /\[\\\\%_\]|\[%_\\\\\]/, home: /^db\/search\.ts$/ },
      {
        piece: 'base64',
        pattern: /\b(btoa|atob)\(/,
        home: /^lib\/(encoding|secrets\/encoded-secrets|secrets\/token-forms)\.ts$/,
      },
      { piece: 'hex of bytes', pattern: /toString\(16\)\.padStart\(2,/, home: /^lib\/encoding\.ts$/ },
      { piece: 'sleep', pattern: /\(resolve\) => setTimeout\(resolve/, home: /^lib\/retry\.ts$/ },
      { piece: 'Retry-After', pattern: /get\('retry-after'\)(?!, )/i, home: /^lib\/retry\.ts$/ },
      {
        piece: 'text that Postgres can store',
        pattern: /(includes|replaceAll)\('\\0'/,
        home: /^lib\/storable-text\.ts$/,
      },
      { piece: 'UUIDs of this API', pattern: /uuid\(\{ version: 'v7'/, home: /^lib\/scalars\.ts$/ },
      {
        piece: 'lengths of time',
        pattern: /\b(3_600_000|86_400_000)\b|60 \* 60 \* 1000/,
        home: /^(lib\/time|web\/charts\/scales)\.ts$/,
      },
      { piece: 'failed runs', pattern: /\['error', 'crashed'\]/, home: /^runs\/meaning\.ts$/ },
      { piece: 'JSON pointers', pattern: /replaceAll\('~', '~0'\)/, home: /^lib\/json-object\.ts$/ },
      {
        piece: 'kinds of n8n errors',
        pattern: /instanceof N8nError && \(?\w+\.kind/,
        home: /^n8n\/api\/transport\.ts$/,
      },
      {
        piece: 'optional times',
        pattern: /=== null \? null : new Date\([\w.]+\)\.toISOString/,
        home: /^lib\/time\.ts$/,
      },
      { piece: 'names of errors', pattern: /instanceof Error \? \w+\.name/, home: /^errors\.ts$/ },
      {
        piece: 'the version that is deployed',
        pattern: /eq\(workflowVersions\.version, deployments\.version\)/,
        home: /^deployments\/rows\.ts$/,
      },
    ]

    test.each(homes)('of $piece', ({ pattern, home }) => {
      const found = files
        .filter(({ path }) => pattern.test(readFileSync(join(src, path), 'utf8')))
        .map(({ path }) => path)
      expect(found.filter((path) => !home.test(path))).toEqual([])
    })
  })
})

/** Tests of pages read them with `harness/dom.ts`, not with patterns of HTML. */
describe('tests of the dashboard and the reference', () => {
  const markup =
    /(match|matchAll|exec|toMatch|toContain|includes|indexOf|split|replace|replaceAll|RegExp)\(.*(<\/?[a-z]|[a-z]=\\?"|&(amp|quot|#39|lt|gt);)|(<\/?[a-z[]|[a-z]=").*\/[a-z]*\.(exec|test)\(/
  const linesOf = (text: string) => text.split('\n').filter((line) => markup.test(line)).length
  test('do not match HTML by pattern', () => {
    const found = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
      .filter((path) => /^(web\/|http\/|openapi\.).*\.tsx?$/.test(path) && path !== 'web/dom.test.ts')
      .map((path) => ({ path, lines: linesOf(readFileSync(join(import.meta.dirname, path), 'utf8')) }))
    expect(found.length).toBeGreaterThan(30)
    expect(found.filter(({ lines }) => lines > 0)).toEqual([])
  })

  test.each([
    `expect(text).toContain('href="/x"')`,
    'text.matchAll(/<input ([^>]*)>/g)',
    `text.replaceAll('&#39;', "'")`,
    `/action="([^"]+)"/.exec(text)`,
  ])('detect %s', (line) => {
    expect(linesOf(line)).toBe(1)
  })
})
