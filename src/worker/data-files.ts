/** @module Loads the data files on Workers from static assets, to keep the bundle small. On Node: `n8n/catalogue/data-files.ts`. */
import { env } from 'cloudflare:workers'
import type { DataFile } from '../n8n/catalogue/data-files.ts'
import { nodeDataPath } from '../n8n/catalogue/data-names.ts'

const timeoutMs = 10_000

/**
 * The parsed file `public/data/<name>.json` of the running version.
 * @throws {Error} when the binding or the file is missing
 */
export async function readDataFile(name: DataFile | 'api'): Promise<unknown> {
  return (await fetchAsset(`${name}.json`)).json()
}

/** The text of `public/data/nodes/<name>.json`. */
export async function readNodeFile(name: string): Promise<string> {
  return (await fetchAsset(nodeDataPath(name))).text()
}

async function fetchAsset(file: string): Promise<Response> {
  const { ASSETS: assets } = env
  if (!assets)
    throw new Error('The worker has no ASSETS binding. Deploy it with the [assets] of wrangler.toml')
  const path = `/data/${file}`
  // The binding ignores the host.
  const response = await assets.fetch(`https://assets.invalid${path}`, {
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) throw new Error(`Static asset ${path} is not available: HTTP ${response.status}`)
  return response
}
