/**
 * What an isolate costs before it can answer, in workerd: `npx tsx bench/worker-start.ts [runs]`, on Linux. CPU time of the
 * whole process: until it listens (the code is compiled, the entry evaluated), and for the first request (the application
 * is evaluated and built). The floor is an empty Hono worker, started in the same run. The least of all runs counts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { rolldown } from 'rolldown'
import { bundleWorker } from '../scripts/worker-bundle.ts'
import { generateKeys } from '../src/cli/server/state.ts'

const runs = Number(process.argv[2] ?? 9)
const root = resolve(import.meta.dirname, '..')
const fromWrangler = createRequire(createRequire(import.meta.url).resolve('wrangler/package.json'))
const { default: workerd } = fromWrangler('workerd') as { default: string }
const environment = {
  ...generateKeys(),
  DATABASE_URL: 'postgresql://nobody@localhost/nothing',
  PUBLIC_URL: 'http://127.0.0.1:8787',
  LOG_LEVEL: 'warn',
}

type Modules = { fileName: string; code: string }[]

async function emptyWorker(): Promise<Modules> {
  const entry =
    "import { Hono } from 'hono'; export default new Hono().get('/health/live', (c) => c.text('live'))"
  await using bundle = await rolldown({
    cwd: root,
    input: { worker: 'virtual:empty' },
    plugins: [
      {
        name: 'empty',
        resolveId: (id) => (id === 'virtual:empty' ? join(root, 'src/empty.js') : null),
        load: (id) => (id.endsWith('src/empty.js') ? entry : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true, entryFileNames: '[name].js' })
  return [output[0]]
}

/** `json` quotes as Cap'n Proto's text format does. */
const json = JSON.stringify

const configuration = (modules: Modules): string => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-10-01",
  modules = [${modules.map(({ fileName }) => `(name = ${json(fileName)}, esModule = embed ${json(fileName)})`).join(', ')}],
  bindings = [${Object.entries(environment)
    .map(([name, value]) => `(name = ${json(name)}, text = ${json(value)})`)
    .join(', ')}]
);
`

/** Milliseconds of CPU time that all threads of a process have used. */
const cpuTime = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
    .reduce((sum, milliseconds) => sum + milliseconds, 0)

async function start(modules: Modules): Promise<{ started: number; answered: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'worker-start-'))
  for (const { fileName, code } of modules) writeFileSync(join(folder, fileName), code)
  writeFileSync(join(folder, 'config.capnp'), configuration(modules))
  const server = spawn(workerd, ['serve', '--control-fd=3', join(folder, 'config.capnp')], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  try {
    const [line] = (await once(server.stdio[3] as Readable, 'data')) as [Buffer]
    const { port } = JSON.parse(line.toString()) as { port: number }
    const started = cpuTime(server.pid ?? 0)
    const response = await fetch(`http://127.0.0.1:${port}/health/live`)
    if (!response.ok) throw new Error(`The worker answers ${response.status}: ${await response.text()}`)
    return { started, answered: cpuTime(server.pid ?? 0) - started }
  } finally {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

const workers = { floor: await emptyWorker(), flowkeep: await bundleWorker() }
const least = new Map<string, { started: number; answered: number }>()
for (let run = 0; run < runs; run++) {
  for (const [name, modules] of Object.entries(workers)) {
    const { started, answered } = await start(modules)
    const known = least.get(name) ?? { started, answered }
    least.set(name, {
      started: Math.min(known.started, started),
      answered: Math.min(known.answered, answered),
    })
  }
}
const floor = least.get('floor') ?? { started: 0, answered: 0 }
console.table(
  Object.fromEntries(
    [...least].map(([name, { started, answered }]) => [
      name,
      {
        'start, ms': started.toFixed(1),
        'over floor': (started - floor.started).toFixed(1),
        'ratio of start': (started / floor.started).toFixed(1),
        'first request, ms': answered.toFixed(1),
        'start and request over floor': (started + answered - floor.started - floor.answered).toFixed(1),
      },
    ]),
  ),
)
