/** @module Generates the client's types and table of operations, then compiles it. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OpenAPIV3_1 } from 'openapi-types'

type Document = OpenAPIV3_1.Document
type Operation = OpenAPIV3_1.OperationObject

/** Resolves tools from the client's workspace, whose TypeScript version has a compiler API. */
const workspace = createRequire(
  realpathSync(resolve(import.meta.dirname, '../node_modules/@flowkeep/client/package.json')),
)
/** The folder of a tool. Resolves its code, because some packages do not export their package.json. */
export function clientToolFolder(name: string): string {
  const folder = (workspace.resolve.paths(name) ?? [])
    .map((modules) => join(modules, name))
    .find((candidate) => existsSync(join(candidate, 'package.json')))
  if (folder === undefined) throw new Error(`${name} is not installed. Run npm ci`)
  return folder
}

/** The script of a package's command. */
export function clientTool(name: string, command = name): string {
  const folder = clientToolFolder(name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>
  }
  return join(folder, typeof bin === 'string' ? bin : (bin[command] ?? ''))
}

const importTool = (name: string): Promise<unknown> => import(pathToFileURL(workspace.resolve(name)).href)

interface OpenApiTypescript {
  default: (document: Document, options: object) => Promise<unknown>
  astToString: (nodes: unknown) => string
}

/** @param folder a folder with the files of `packages/client` */
export async function buildClient(document: Document, folder: string): Promise<void> {
  const { default: generate, astToString } = (await importTool('openapi-typescript')) as OpenApiTypescript
  const generated = join(folder, 'src/generated')
  mkdirSync(generated, { recursive: true })
  const types = await generate(withoutExamples(document), { alphabetize: true })
  writeFileSync(join(generated, 'schema.ts'), astToString(types))
  writeFileSync(join(generated, 'operations.ts'), operationsModule(document))
  rmSync(join(folder, 'dist'), { recursive: true, force: true })
  run(clientTool('typescript', 'tsc'), ['-p', folder], folder)
}

/** @throws with the output when the script fails */
export function run(script: string, args: string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=1024', script, ...args],
    {
      cwd,
      encoding: 'utf8',
      maxBuffer: 16 * 1024 * 1024,
    },
  )
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}

/** Removes examples, which are half of the types' size, but not a property named `example`. */
function withoutExamples<T>(node: T, isPropertyMap = false): T {
  if (typeof node !== 'object' || node === null) return node
  if (Array.isArray(node)) return node.map((each: unknown) => withoutExamples(each)) as T
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key]) => isPropertyMap || (key !== 'example' && key !== 'examples'))
      .map(([key, value]) => [
        key,
        withoutExamples(value as unknown, key === 'properties' && !isPropertyMap),
      ]),
  ) as T
}

export function operationsModule(document: Document): string {
  const operations = Object.entries(document.paths ?? {})
    .flatMap(([path, item]) =>
      Object.entries(item ?? {}).map(([method, operation]) => ({
        path,
        method,
        operation: operation as Operation,
      })),
    )
    .toSorted((a, b) => String(a.operation.operationId).localeCompare(String(b.operation.operationId)))
    .map(({ path, method, operation }) => ({
      name: operation.operationId ?? '',
      line: `${method.toUpperCase()} ${path} ${flagsOf(operation, document)}`.trim(),
      flags: flagsOf(operation, document),
      text: [operation.summary, operation.description].join('.\n\n'),
    }))
  const union = (flag: string) =>
    operations
      .filter(({ flags }) => flags.includes(flag))
      .map(({ name }) => `'${name}'`)
      .join(' | ')
  return [
    '/** Generated from the OpenAPI document by `npm run client`. */',
    "import type { Method, PagedMethod } from '../method.ts'",
    '',
    '/** Name → method, path and flags: (p)ublic, (w)ebhook token, idempotency (k)ey, (b)ody, (l)ist, (s)tream. */',
    'export const operations: Record<string, string> = {',
    ...operations.map(({ name, line }) => `  ${name}: '${line}',`),
    '}',
    '',
    `export type ListName = ${union('l')}`,
    `export type StreamName = ${union('s')}`,
    `export type WebhookName = ${union('w')}`,
    '',
    'export interface Methods {',
    ...operations.flatMap(({ name, flags, text }) => [
      `  /** ${text.replaceAll('*/', '*\\/').replaceAll('\n', '\n   * ')} */`,
      `  ${name}: ${flags.includes('l') ? 'PagedMethod' : 'Method'}<'${name}'>`,
    ]),
    '}',
    '',
  ].join('\n')
}

function flagsOf(
  { security, requestBody, parameters = [], responses = {} }: Operation,
  document: Document,
): string {
  const good = Object.entries(responses).flatMap(([status, response]) =>
    status < '300' && 'content' in response ? [response.content ?? {}] : [],
  )
  const takes = (name: string) =>
    parameters.some((each) => ('$ref' in each ? each.$ref.endsWith(`/${name}`) : each.name === name))
  const isList = good.some((content) => {
    const schema = content['application/json']?.schema as { $ref?: string } | undefined
    const target = document.components?.schemas?.[schema?.$ref?.split('/').at(-1) ?? '']
    return Object.hasOwn(target?.properties ?? {}, 'nextCursor')
  })
  return [
    security?.length === 0 && 'p',
    security?.some((each) => Object.hasOwn(each, 'webhookToken')) && 'w',
    takes('IdempotencyKey') && 'k',
    requestBody && 'b',
    isList && takes('cursor') && 'l',
    good.some((content) => Object.hasOwn(content, 'text/csv')) && 's',
  ]
    .filter(Boolean)
    .join('')
}
