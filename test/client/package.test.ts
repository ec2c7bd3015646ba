/** The installed client and generated clients: compiled in strict mode and run against a server. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildClient, clientTool, clientToolFolder, run } from '../../scripts/build-client.ts'
import { useTestApp } from '../harness/app.ts'

const folder = mkdtempSync(join(tmpdir(), 'flowkeep-client-'))
const sources = resolve(import.meta.dirname, '../../packages/client')
const compiled = (name: string) => join(folder, 'out', `${name}.js`)

/** Offline: npm only packs, and the tools do not check for updates. */
const quiet = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }

const app = useTestApp({ env: { PUBLIC_URL: 'https://flowkeep.dev' } })
let server: Server | undefined
let baseUrl: string
let packed: string[]
/** TypeScript 5 errors of all three projects. */
let faults: string

/** The packed package, installed in a separate project. */
async function install(document: Parameters<typeof buildClient>[0]): Promise<void> {
  const copy = join(folder, 'package')
  for (const name of ['src', 'package.json', 'tsconfig.json', 'README.md', 'LICENSE']) {
    cpSync(join(sources, name), join(copy, name), { recursive: true })
  }
  await buildClient(document, copy)
  const { stdout, stderr, status } = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--offline'], {
    cwd: copy,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`npm pack failed:\n${stderr}`)
  const [tarball] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  packed = tarball.files.map(({ path }) => path)
  const target = join(folder, 'node_modules/@flowkeep/client')
  mkdirSync(target, { recursive: true })
  const unpacked = spawnSync('tar', [
    '-xzf',
    join(copy, tarball.filename),
    '-C',
    target,
    '--strip-components=1',
  ])
  if (unpacked.status !== 0) throw new Error('The tarball cannot be unpacked')
}

function generateOthers(): void {
  const spec = join(folder, 'openapi.json')
  run(clientTool('openapi-typescript'), [spec, '-o', join(folder, 'schema.d.ts')], folder)
  const output = join(folder, 'hey')
  const hook = pathToFileURL(join(import.meta.dirname, 'use-compiler-api.mjs')).href
  // By environment variable, because the command starts another process.
  const generated = spawnSync(
    process.execPath,
    [clientTool('@hey-api/openapi-ts', 'openapi-ts'), '-i', spec, '-o', output],
    {
      cwd: folder,
      encoding: 'utf8',
      env: {
        ...quiet,
        NODE_OPTIONS: `--max-old-space-size=1024 --import ${hook}`,
        TYPESCRIPT: pathToFileURL(join(clientToolFolder('typescript'), 'lib/typescript.js')).href,
      },
    },
  )
  if (generated.status !== 0) throw new Error(`${generated.stdout}${generated.stderr}`)
  symlinkSync(clientToolFolder('openapi-fetch'), join(folder, 'node_modules/openapi-fetch'))
}

const compilerOptions = {
  target: 'es2022',
  lib: ['es2022', 'dom', 'dom.iterable'],
  module: 'esnext',
  moduleResolution: 'bundler',
  types: [],
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  rewriteRelativeImportExtensions: true,
  rootDir: '.',
  outDir: 'out',
}

beforeAll(async () => {
  const { json } = await app.call('GET', '/openapi.json')
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(json))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  await install(json)
  generateOthers()
  faults = compile(clientTool('typescript', 'tsc'), {}, ['packed.ts', 'openapi-fetch.ts', 'hey-api.ts'])
  const listener = createAdaptorServer({ fetch: app.app.fetch }) as Server
  server = listener
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening))
  baseUrl = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
}, 600_000)

afterAll(async () => {
  server?.closeAllConnections()
  await new Promise((closed) => (server ? server.close(closed) : closed(null)))
  rmSync(folder, { recursive: true, force: true })
})

/** @param compiler a `tsc` @returns its errors */
function compile(compiler: string, options: object, files: string[]): string {
  for (const file of files) cpSync(join(import.meta.dirname, 'fixtures', file), join(folder, file))
  const project = join(folder, 'tsconfig.json')
  writeFileSync(project, JSON.stringify({ compilerOptions: { ...compilerOptions, ...options }, files }))
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' })
  return stdout + stderr
}

const drive = async (name: string): Promise<Record<string, unknown>> => {
  const { drive } = (await import(pathToFileURL(compiled(name)).href)) as {
    drive: (baseUrl: string) => Promise<Record<string, unknown>>
  }
  return drive(baseUrl)
}

test('every client compiles in strict mode, with library types checked and without casts', () => {
  expect(faults).toBe('')
})

describe('the packed client', () => {
  test('contains only compiled JavaScript and types', () => {
    expect(packed).toContain('README.md')
    expect(packed).toContain('LICENSE')
    expect(
      packed.filter((path) => !/^(dist\/.+(\.js|\.d\.ts)|package\.json|README\.md|LICENSE)$/.test(path)),
    ).toEqual([])
  })

  test('is at most 15 KB gzipped, without dependencies', () => {
    const dist = join(folder, 'node_modules/@flowkeep/client/dist')
    const code = readdirSync(dist, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.js'))
      .map((path) => readFileSync(join(dist, path), 'utf8'))
      .join('\n')
    expect(gzipSync(code).byteLength).toBeLessThan(15 * 1024)
    expect(code).not.toMatch(/from ['"][^.]/)
  })

  test('compiles in a strict project with native TypeScript and exact optional properties', () => {
    const native = resolve(import.meta.dirname, '../../node_modules/typescript/bin/tsc')
    expect(compile(native, { exactOptionalPropertyTypes: true, noEmit: true }, ['packed.ts'])).toBe('')
  }, 600_000)

  test('drives the server', async () => {
    expect(await drive('packed')).toEqual({
      version: 2,
      current: 2,
      names: ['Page 3', 'Page 2', 'Page 1', 'Page 0', 'Renamed'],
      credential: 'Slack',
      node: '@n8n/n8n-nodes-langchain.agent',
      csv: 'id',
      removed: undefined,
      code: 'not-found',
      signedOut: 'unauthenticated',
    })
  })
})

describe('clients that are generated from the OpenAPI document', () => {
  test.each(['openapi-fetch', 'hey-api'])(
    '%s sends workflows and credentials, and distinguishes problems',
    async (name) => {
      expect(await drive(name)).toEqual({ names: ['Sent'], code: 'version-conflict', current: 1 })
    },
  )
})

describe('the OpenAPI document', () => {
  test('passes Redocly without errors and warnings', () => {
    const lint = spawnSync(
      process.execPath,
      [clientTool('@redocly/cli', 'redocly'), 'lint', 'openapi.json', '--format=json'],
      { cwd: folder, encoding: 'utf8', env: quiet },
    )
    const { totals, problems } = JSON.parse(lint.stdout) as {
      totals: object
      problems: { message: string }[]
    }
    expect(problems.map(({ message }) => message)).toEqual([])
    expect(totals).toMatchObject({ errors: 0, warnings: 0 })
  }, 600_000)
})
