/** @module The files of facts on Workers: static assets, so that they are no part of the worker. On Node `n8n/data-files.ts`. */
import { env } from 'cloudflare:workers'
import type { DataFile } from '../n8n/data-files.ts'

const timeoutMs = 10_000

/**
 * The parsed file, `public/data/<name>.json` of the version that runs.
 * @throws {Error} without the binding or the file
 */
export async function readDataFile(name: DataFile): Promise<unknown> {
  const { ASSETS: assets } = env
  if (!assets)
    throw new Error('The worker has no ASSETS binding. Deploy it with the [assets] of wrangler.toml')
  const path = `/data/${name}.json`
  // The host is not looked at.
  const response = await assets.fetch(`https://assets.invalid${path}`, {
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) throw new Error(`Static asset ${path} is not available: HTTP ${response.status}`)
  return response.json()
}
