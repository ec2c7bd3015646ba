/** @module Runs wrangler offline, quietly and without telemetry. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** @throws {Error} when the development tools are not installed */
export function wranglerBin(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
  } catch (error) {
    throw new Error('wrangler is not installed. Run `npm ci` for the development tools, or use --node.', {
      cause: error,
    })
  }
}

export const wranglerEnv = (): NodeJS.ProcessEnv => ({
  ...process.env,
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  DO_NOT_TRACK: '1',
  CI: '1',
})
