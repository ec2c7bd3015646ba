/**
 * @module `npm run node-facts [-- --packages <folder>]`: writes `public/data/nodes/` from n8n's published packages.
 * Contains facts only, no text from n8n.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { IndexFile, IndexRow } from '../src/check/facts/node-file.ts'
import { nodeFileName } from '../src/check/facts/node-types.ts'
import { type NodePackage, packageVersions, readPackages } from './n8n-packages.ts'
import { SearchFileBuilder } from './node-facts/search-file.ts'
import {
  type DescribedNode,
  NodeFileBuilder,
  sendsAndWaits,
  standardDescription,
} from './node-facts/prune.ts'
import { unavailableNodes } from './node-facts/unavailable.ts'

/** Oldest first: a new version appends rows and leaves the others where they are. */
const n8nVersions = ['2.0.3', '2.10.0', '2.20.0', '2.30.8', '2.41.1']
/** The first minor that derives tools for a person's approval. */
const humanReviewSince = 10
const output = path.join(import.meta.dirname, '../public/data/nodes')

const { values } = parseArgs({ options: { packages: { type: 'string' } } })

const files = new Map<string, NodeFileBuilder>()
const index: IndexFile = { versions: {}, credentials: [], types: [] }
const credentials = new Set<string>()
const rows = new Map<string, IndexRow>()
const searchFile = new SearchFileBuilder()
const minorOf = (version: string) => version.split('.').slice(0, 2).join('.')
const newest = minorOf(n8nVersions.at(-1) ?? '')
for (const n8n of n8nVersions) {
  const name = minorOf(n8n)
  const minor = name.split('.')[1]
  const packages = await readPackages<DescribedNode, { name: string }>(
    await packageVersions(n8n),
    values.packages,
  )
  index.versions[name] = {
    n8n,
    packages: Object.fromEntries(packages.map((each) => [each.name, each.version])),
    ...(Number(minor) >= humanReviewSince && { humanReview: 1 }),
  }
  for (const each of packages) {
    addPackage(name, each)
    for (const credential of each.credentials) credentials.add(credential.name)
  }
}

function addPackage(n8nVersion: string, { name, nodes, sources }: NodePackage<DescribedNode>): void {
  for (const [node, descriptions] of Map.groupBy(nodes, (each) => each.name)) {
    if (unavailableNodes.has(node)) continue
    const type = `${name}.${node}`
    const file = files.get(type) ?? new NodeFileBuilder(type)
    files.set(type, file)
    file.add(n8nVersion, descriptions, sources.get(node) ?? '')
    if (n8nVersion === newest) searchFile.add(type, descriptions)
    rows.set(type, indexRow(type, descriptions, [...(rows.get(type)?.in ?? []), n8nVersion]))
  }
}

function indexRow(type: string, descriptions: DescribedNode[], versions: string[]): IndexRow {
  const newest = standardDescription(descriptions)
  return {
    type,
    name: newest.displayName.trim(),
    v: descriptions.flatMap((each) => each.version).toSorted((a, b) => a - b),
    ...(descriptions.some((each) => each.group.includes('trigger')) && { trigger: 1 as const }),
    ...(descriptions.some((each) => Boolean(each.usableAsTool)) && { tool: 1 as const }),
    ...(descriptions.some(sendsAndWaits) && { wait: 1 as const }),
    ...(newest.hidden === true && { hidden: 1 as const }),
    in: versions,
  }
}

for (const row of rows.values()) if (row.in?.length === n8nVersions.length) delete row.in
index.types = [...rows.values()].toSorted((a, b) => (a.type < b.type ? -1 : 1))

const texts = new Map([...files].map(([type, file]) => [nodeFileName(type), file.print()]))
index.credentials = [...credentials].toSorted()
const indexText = `{"versions":${JSON.stringify(index.versions)},\n"credentials":${JSON.stringify(index.credentials)},\n"types":[\n${index.types.map((row) => JSON.stringify(row)).join(',\n')}\n]}\n`
texts.set('index', indexText)
const searchText = searchFile.print()
texts.set('search', searchText)
await rm(output, { recursive: true, force: true })
for (const [name, text] of texts) {
  const file = path.join(output, `${name}.json`)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, text)
}
const all = [...texts.values()]
const kb = (bytes: number) => `${Math.round(bytes / 1000)} KB`
const gzipped = all.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0)
console.log(
  `${all.length} files: ${kb(all.join('').length)}, ${kb(gzipped)} gzipped one by one; the index ${kb(indexText.length)}, ${kb(gzipSync(indexText).length)} gzipped; the search ${kb(searchText.length)}, ${kb(gzipSync(searchText).length)} gzipped`,
)
