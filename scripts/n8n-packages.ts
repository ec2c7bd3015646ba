/** @module Reads node descriptions from n8n's published npm packages. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const nodePackages = ['n8n-nodes-base', '@n8n/n8n-nodes-langchain']

export interface NodePackage<Node = unknown, Credential = unknown> {
  name: string
  version: string
  nodes: Node[]
  credentials: Credential[]
  /** Node name → source of its class. */
  sources: Map<string, string>
}

/** The node packages that a version of n8n depends on. */
export async function packageVersions(n8nVersion: string): Promise<Map<string, string>> {
  const { stdout } = await run('npm', ['view', `n8n@${n8nVersion}`, 'dependencies', '--json'])
  const dependencies: Record<string, string> = JSON.parse(stdout)
  return new Map(
    nodePackages.map((name) => {
      const version = dependencies[name]
      if (version === undefined) throw new Error(`n8n ${n8nVersion} does not depend on ${name}`)
      return [name, version]
    }),
  )
}

/** @param archives a folder of `.tgz` files. Missing ones are downloaded to it */
export async function readPackages<Node, Credential>(
  versions: ReadonlyMap<string, string>,
  archives?: string,
): Promise<NodePackage<Node, Credential>[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'n8n-packages-'))
  try {
    return await Promise.all(
      [...versions].map(([name, version]) => readPackage<Node, Credential>(name, version, folder, archives)),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function readPackage<Node, Credential>(
  name: string,
  version: string,
  folder: string,
  archives = folder,
): Promise<NodePackage<Node, Credential>> {
  const archive = path.join(archives, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
  if (!existsSync(archive)) {
    await run('npm', ['pack', `${name}@${version}`, '--pack-destination', archives, '--silent'], {
      cwd: folder,
    })
  }
  const target = path.join(folder, name)
  await mkdir(target, { recursive: true })
  const members = ['package/dist/types', 'package/dist/known', 'package/dist/*.node*.js']
  await run('tar', ['-xzf', archive, '-C', target, '--wildcards', ...members])
  const read = (file: string) => readFile(path.join(target, 'package', file), 'utf8')
  const known: Record<string, { sourcePath: string }> = JSON.parse(await read('dist/known/nodes.json'))
  const sources = await Promise.all(
    Object.entries(known).map(
      async ([node, { sourcePath }]) => [node, await read(sourcePath)] as [string, string],
    ),
  )
  const result: NodePackage<Node, Credential> = {
    name,
    version,
    nodes: JSON.parse(await read('dist/types/nodes.json')),
    credentials: JSON.parse(await read('dist/types/credentials.json')),
    sources: new Map(sources),
  }
  const missing = [
    ...difference(Object.keys(known), result.nodes),
    ...difference(Object.keys(JSON.parse(await read('dist/known/credentials.json'))), result.credentials),
  ]
  if (missing.length > 0) throw new Error(`${name}: no description for ${missing.join(', ')}`)
  return result
}

function difference(known: string[], described: unknown[]): string[] {
  const names = new Set((described as { name: string }[]).map((each) => each.name))
  return known.filter((name) => !names.has(name))
}
