/** @module Loads the facts of the node types of a workflow, and caches them for the isolate's lifetime. */
import { readNodeFile } from '#data-files'
import { sharedLoad } from '../../lib/shared-load.ts'
import type { FactsOf, NodeTypeFacts } from './node-facts.ts'
import type { IndexFile, IndexRow, NodeFile } from './node-file.ts'
import { baseOfTool, nodeFileName, readNodeType } from './node-types.ts'

/** Characters of the cached files. Parsed and expanded, they take about seven times as many bytes. */
const cacheLimit = 2_500_000

/** Recently used files, within a bound on their size. */
export class FileCache {
  readonly #files = new Map<string, { file: NodeFile; size: number }>()
  readonly #limit: number
  #size = 0

  constructor(limit = cacheLimit) {
    this.#limit = limit
  }

  get(name: string): NodeFile | undefined {
    const entry = this.#files.get(name)
    if (!entry) return undefined
    this.#files.delete(name)
    this.#files.set(name, entry)
    return entry.file
  }

  set(name: string, file: NodeFile, size: number): void {
    this.#size += size - (this.#files.get(name)?.size ?? 0)
    this.#files.delete(name)
    this.#files.set(name, { file, size })
    for (const [oldest, entry] of this.#files) {
      if (this.#size <= this.#limit || oldest === name) break
      this.#files.delete(oldest)
      this.#size -= entry.size
    }
  }

  get size(): number {
    return this.#size
  }
}

const cache = new FileCache()

interface NodeIndex {
  versions: IndexFile['versions']
  credentials: ReadonlySet<string>
  types: ReadonlyMap<string, IndexRow>
}

/** The node types of all supported versions of n8n. */
export const loadNodeIndex = sharedLoad(async (): Promise<NodeIndex> => {
  const { versions, credentials, types }: IndexFile = JSON.parse(await readNodeFile('index'))
  return { versions, credentials: new Set(credentials), types: new Map(types.map((row) => [row.type, row])) }
})

/** Whether a version of n8n has the type itself, not as a tool form. */
const exists = (row: IndexRow | undefined, version: string): row is IndexRow =>
  row !== undefined && (row.in === undefined || row.in.includes(version))

async function loadFile(type: string): Promise<NodeFile> {
  const name = nodeFileName(type)
  const known = cache.get(name)
  if (known) return known
  const text = await readNodeFile(name)
  const file: NodeFile = JSON.parse(text)
  cache.set(name, file, text.length)
  return file
}

/**
 * The facts of the given types for the newest version of n8n that is not newer than `n8nVersion`, else for the oldest
 * one. Without `n8nVersion`: for the newest. The result knows only these types; others are undefined.
 */
export async function loadFacts(types: Iterable<string>, n8nVersion?: string): Promise<FactsOf> {
  const { versions, credentials, types: index } = await loadNodeIndex()
  const version = nearestVersion(Object.keys(versions), n8nVersion)
  const hasHumanReview = versions[version]?.humanReview === 1
  const loaded = await Promise.all(
    [...new Set(types)].map(async (name): Promise<[string, NodeTypeFacts | undefined]> => {
      if (exists(index.get(name), version)) return [name, readNodeType(await loadFile(name), version)]
      const tool = baseOfTool(name)
      if (!tool || !exists(index.get(tool.base), version)) return [name, undefined]
      if (tool.form === 'HitlTool' && !hasHumanReview) return [name, undefined]
      return [name, readNodeType(await loadFile(tool.base), version, tool.form)]
    }),
  )
  const found = new Map(loaded)
  return {
    n8nVersion: version,
    credentialTypes: credentials,
    nodeType: (name) => found.get(name),
    *typeNames() {
      for (const row of index.values()) {
        if (!exists(row, version)) continue
        yield row.type
        if (row.tool) yield `${row.type}Tool`
        if (row.wait && hasHumanReview) yield `${row.type}HitlTool`
      }
    },
    *typeTitles() {
      for (const row of index.values()) if (exists(row, version)) yield [row.type, row.name]
    },
  }
}

/** @param supported oldest first, such as `2.30` */
export function nearestVersion(supported: readonly string[], wanted: string | undefined): string {
  const newest = supported.at(-1) ?? ''
  const target = wanted === undefined ? undefined : rankOf(wanted)
  if (target === undefined) return newest
  return supported.findLast((each) => (rankOf(each) ?? 0) <= target) ?? supported[0] ?? newest
}

function rankOf(version: string): number | undefined {
  const [, major, minor] = /^v?(\d{1,4})\.(\d{1,4})/.exec(version) ?? []
  return major === undefined ? undefined : Number(major) * 10_000 + Number(minor)
}
