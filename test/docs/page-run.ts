/** @module Runs the commands of a page in one shell, in a fresh copy of the repository. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '../..')
const notCopied =
  /^(node_modules|\.git|\.github|dist|coverage|test|bench|\.flowkeep|\.wrangler|\.env.*|\.dev\.vars.*|.*\.tgz)$/

export interface Workplace {
  /** The copy. The folder next to it, `your-project`, is an empty npm project. */
  folder: string
  /** The server of the page listens on it. */
  port: number
  env: Record<string, string>
  /** Starts a program of the fixture, which ends with the page. */
  start: (command: string, args: string[], env: Record<string, string>) => Promise<ChildProcess>
  /** Ends every process and removes the folder. */
  close: () => Promise<void>
}

export async function createWorkplace(): Promise<Workplace> {
  const home = await mkdtemp(join(tmpdir(), 'flowkeep-docs-'))
  const folder = join(home, 'flowkeep')
  await mkdir(join(folder, 'dist'), { recursive: true })
  const entries = (await readdir(root)).filter((name) => !notCopied.test(name))
  // The program copies thousands of small files much faster than Node.
  await copy(entries, folder)
  // Built once for all copies: what a second start of the server finds.
  await copy(['dist/worker'], join(folder, 'dist'))
  for (const name of await readdir(join(folder, 'packages'))) {
    for (const made of ['dist', 'node_modules']) {
      await rm(join(folder, 'packages', name, made), { recursive: true, force: true })
    }
  }
  await linkPackages(join(root, 'node_modules'), join(folder, 'node_modules'))
  await mkdir(join(home, 'your-project'))
  await writeFile(join(home, 'your-project/package.json'), '{"name":"your-project","private":true}\n')
  // A documented request must succeed.
  await writeFile(join(home, '.curlrc'), 'silent\nshow-error\nfail-with-body\n')
  const port = await freePort()
  const children: ChildProcess[] = []
  return {
    folder,
    port,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      HOME: home,
      TMPDIR: home,
      PORT: String(port),
      CI: '1',
      // Nothing may depend on another host.
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_SEND_ERROR_REPORTS: 'false',
    },
    start: async (command, args, env) => {
      const child = spawn(command, args, {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      children.push(child)
      return child
    },
    close: async () => {
      children.forEach(endGroup)
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const copy = (paths: readonly string[], into: string) =>
  promisify(execFile)('cp', ['-R', ...paths, into], { cwd: root })

/** A link for each package instead of one for all: npm in the copy can then change nothing outside of it. */
async function linkPackages(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const name of await readdir(from)) {
    if (name.startsWith('@') || name === '.bin') await linkPackages(join(from, name), join(to, name))
    else await symlink(await realpath(join(from, name)), join(to, name))
  }
}

/** Ends a process and its descendants. Nothing needs a clean end: the data is removed. */
function endGroup(child: ChildProcess): void {
  try {
    process.kill(-(child.pid ?? 0), 'SIGKILL')
  } catch {
    // It has ended.
  }
}

export async function freePort(): Promise<number> {
  // Below the range of ephemeral ports, so that nothing else uses it in the meantime.
  const port = 20_000 + Math.floor(Math.random() * 12_000)
  const server = createServer()
  const isFree = await new Promise<boolean>((done) => {
    server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true))
  })
  if (!isFree) return freePort()
  await new Promise((done) => server.close(done))
  return port
}

const serves = /^(\w+=\S+ )*(npm run dev|npm start|node \S+ serve)\b/
const marker = '::command '

/** Each command announces itself. A server runs in the background; the next command waits until it is ready. */
export function script(commands: readonly string[]): string {
  return [
    'set -euo pipefail',
    `ready() {
  until curl -o /dev/null "http://127.0.0.1:$PORT/health/ready" 2> /dev/null; do
    kill -0 "$1" || { echo 'The server ended.'; exit 1; }
    sleep 0.1
  done
}`,
    ...commands.flatMap((command, index) => [
      `echo "${marker}${index}"`,
      ...(serves.test(command) ? [`{\n${command}\n} &`, 'ready $!'] : [command]),
    ]),
  ].join('\n')
}

/** @throws {Error} with the command that failed and its output */
export async function runCommands(
  place: Workplace,
  commands: readonly string[],
  env: Record<string, string>,
): Promise<void> {
  const installing = commands.find((command) => /\bnpm (ci|i|install)\b(?!.*\.tgz)/.test(command))
  if (installing) throw new Error(`Mark with no-test, because it installs from a registry: ${installing}`)
  const child = await place.start('bash', ['--noprofile', '--norc', '-c', script(commands)], {
    ...place.env,
    ...env,
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const status = await new Promise<number | null>((done) => child.once('exit', done))
  if (status === 0) return
  const at = output.lastIndexOf(marker)
  const [index = '', ...lines] = output.slice(at + marker.length).split('\n')
  throw new Error(`Exit code ${status}: ${commands[Number(index)]}\n${lines.join('\n').slice(-4000)}`)
}
