/**
 * What an isolate costs before it can answer, in workerd: `npx tsx bench/worker-start.ts [runs]`, on Linux. CPU time of the
 * whole process: until it listens (the code is compiled, the entry evaluated), and for the first request (the application
 * is evaluated and built). The floor is an empty Hono worker, started in the same run. The least of all runs counts.
 */
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { bundleWorker } from '../scripts/worker-bundle.ts'
import { generateKeys } from '../src/cli/server/state.ts'
import { cpuTime, type Modules, startWorkerd } from './workerd.ts'

const runs = Number(process.argv[2] ?? 9)
const root = resolve(import.meta.dirname, '..')
const environment = {
  ...generateKeys(),
  DATABASE_URL: 'postgresql://nobody@localhost/nothing',
  PUBLIC_URL: 'http://127.0.0.1:8787',
  LOG_LEVEL: 'warn',
}

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

async function start(modules: Modules): Promise<{ started: number; answered: number }> {
  const { pid, url, stop } = await startWorkerd(modules, environment)
  try {
    const started = cpuTime(pid)
    const response = await fetch(`${url}/health/live`)
    if (!response.ok) throw new Error(`The worker answers ${response.status}: ${await response.text()}`)
    return { started, answered: cpuTime(pid) - started }
  } finally {
    stop()
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
