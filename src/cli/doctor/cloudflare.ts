/** @module Stores Worker secrets with wrangler. Their values go through stdin, never through arguments. */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { packageRoot } from '../package-root.ts'
import { wranglerBin } from '../server/wrangler.ts'

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export type RunWrangler = (args: string[], input?: string) => Promise<Ended>

/** With the operator's own sign-in, in the folder of `wrangler.toml`. */
export const runWrangler: RunWrangler = async (args, input) => {
  const child = spawn(process.execPath, [wranglerBin(), ...args], {
    cwd: packageRoot,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input ?? '')
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, stdout, stderr }
}

/** The names of the secrets that the worker has. None if the worker does not exist yet. */
export async function secretNames(environment: string, run: RunWrangler): Promise<string[]> {
  const { code, stdout, stderr } = await run(['secret', 'list', '--env', environment, '--format', 'json'])
  if (code === 0) return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)
  if (/\b10007\b|not found|does not exist/i.test(`${stdout}${stderr}`)) return []
  throw failed('list', stderr || stdout, [])
}

/** @throws {Error} with wrangler's message, without any of the values */
export async function putSecrets(
  environment: string,
  secrets: Readonly<Record<string, string>>,
  run: RunWrangler,
): Promise<void> {
  const { code, stdout, stderr } = await run(
    ['secret', 'bulk', '--env', environment],
    JSON.stringify(secrets),
  )
  if (code !== 0) throw failed('bulk', stderr || stdout, Object.values(secrets))
}

function failed(verb: string, output: string, secrets: string[]): Error {
  const safe = secrets.reduce((message, secret) => message.replaceAll(secret, '[redacted]'), output)
  return new Error(
    `\`wrangler secret ${verb}\` failed. Sign in with \`npx wrangler login\`, or set CLOUDFLARE_API_TOKEN and ` +
      `CLOUDFLARE_ACCOUNT_ID.\n${safe.trim().slice(0, 2000)}`,
  )
}
