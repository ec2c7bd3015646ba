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

async function start(modules: Modules): Promise<StartCost> {
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

/** Milliseconds of CPU time, until it listens and for the first request. */
export interface StartCost {
  started: number
  answered: number
}

/** The least of all runs. */
export async function measureStart(runs: number): Promise<Record<'floor' | 'flowkeep', StartCost>> {
  const workers = { floor: await emptyWorker(), flowkeep: await bundleWorker() }
  const never = { started: Infinity, answered: Infinity }
  const least = { floor: never, flowkeep: never }
  for (let run = 0; run < runs; run++) {
    for (const name of ['floor', 'flowkeep'] as const) {
      const { started, answered } = await start(workers[name])
      const known = least[name]
      least[name] = {
        started: Math.min(known.started, started),
        answered: Math.min(known.answered, answered),
      }
    }
  }
  return least
}

if (process.argv[1] === import.meta.filename) {
  const least = await measureStart(Number(process.argv[2] ?? 9))
  const { floor } = least
  console.table(
    Object.fromEntries(
      Object.entries(least).map(([name, { started, answered }]) => [
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
}
