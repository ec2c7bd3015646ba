/**
 * How fast Flowkeep is, in ratios of one run: `npm run bench`, on Linux. `--help` lists the options. With N8N_URL and
 * N8N_API_KEY, it also measures the public API of that n8n.
 */
import bcrypt from '@node-rs/bcrypt'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { bundleWorker } from '../scripts/worker-bundle.ts'
import { flameGraph, profileOf } from './fast/flames.ts'
import { isNoisy, type Measured } from './fast/goals.ts'
import { compareArrivals, compareScales } from './fast/growth.ts'
import { startLoad } from './fast/load.ts'
import { goalTable, pathTable, performancePage, performancePagePath } from './fast/page.ts'
import { type HotPath, hotPaths } from './fast/paths.ts'
import { hasPgbench } from './fast/prepared.ts'
import { compareWithN8n } from './fast/real-n8n.ts'
import { comparePath } from './fast/rounds.ts'
import { measureTexts } from './fast/texts.ts'
import { postgresSettings, type Scale, scales } from './fast/settings.ts'
import { createWorld, floorModules, runtimes, type World } from './fast/world.ts'
import { buildNode } from './servers.ts'
import { measureStart } from './worker-start.ts'
import { residentBytes } from './workerd.ts'

const flameSeconds = 5
const storedPath = join(import.meta.dirname, 'fast.json')
const parts = ['paths', 'texts', 'worker', 'scales', 'arrivals', 'n8n'] as const
type Part = (typeof parts)[number]

const help = `npm run bench -- [options]

--scale <name>      ${Object.entries(scales)
  .map(([name, { executions }]) => `${name} (${executions.toLocaleString('en-US')} executions)`)
  .join(', ')}; default: small. medium needs 10 GB of disk, large 100 GB
--compare <name>    a smaller scale to compare with, in the same run
--arrivals <n>      executions that arrive a second while pages are read; default: 2500
--parts <names>     of ${parts.join(', ')}, separated by commas; default: all
--only <names>      paths to measure, separated by commas; default: all
--rounds <n>        default: 5
--seconds <n>       of each round; default: 1
--flames <folder>   also writes a flame graph of the Node server for each path
--json <file>       stores the measurement
--write             stores it in bench/fast.json and writes docs/performance.md
--page              writes docs/performance.md from bench/fast.json without a measurement`

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: 'small' },
    compare: { type: 'string' },
    arrivals: { type: 'string', default: '2500' },
    parts: { type: 'string', default: parts.join(',') },
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    flames: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean' },
    page: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

function scaleOf(name: string): Scale {
  if (!(name in scales)) throw new Error(`No scale ${name}. There are: ${Object.keys(scales).join(', ')}`)
  return name as Scale
}

async function measure(): Promise<Measured> {
  const scale = scaleOf(values.scale)
  const smaller = values.compare === undefined ? null : scaleOf(values.compare)
  const only = values.only?.split(',')
  const chosen = new Set(values.parts.split(','))
  const has = (part: Part) => chosen.has(part)
  const options = { rounds: Number(values.rounds), seconds: Number(values.seconds) }
  const [load = 0] = loadavg()
  const log = (text: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)

  const measured: Measured = {
    on: {
      date: new Date().toISOString().slice(0, 10),
      cpu: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
      node: process.version,
      postgres: '',
      pgbench: await hasPgbench,
    },
    scale,
    ...options,
    busy: load / cpus().length,
    paths: [],
    texts: null,
    worker: null,
    memory: null,
    bcryptMs: null,
    scales: null,
    arrivals: null,
    n8n: null,
  }
  const worker = await bundleWorker()
  if (has('texts')) {
    log('texts')
    measured.texts = await measureTexts(options.rounds)
  }
  if (has('worker')) {
    log('start of the worker')
    const code = worker.map((chunk) => chunk.code).join('')
    measured.worker = { gzipBytes: gzipSync(code).length, start: await measureStart(options.rounds) }
  }
  const needsServers = ['paths', 'scales', 'arrivals', 'n8n'].some((part) => chosen.has(part))
  if (!needsServers && values.flames === undefined) return measured

  await buildNode()
  const modules = { flowkeep: worker, floor: await floorModules() }
  const server = await startPostgres(undefined, postgresSettings)
  const loaders = [startLoad(), startLoad()] as const
  const [loader, arriving] = loaders
  const closing: (() => unknown)[] = []
  try {
    const world = await createWorld(server.url, scale, modules, log)
    closing.push(world.close)
    const { rows } = await world.client.query<{ server_version: string }>('show server_version')
    measured.on.postgres = rows[0]?.server_version.split(' ')[0] ?? ''
    const paths = await hotPaths(world, only)
    if (has('paths')) {
      measured.bcryptMs = await bcryptMs()
      for (const path of paths) {
        for (const runtime of runtimes) {
          const result = await comparePath(world, runtime, path, loader, options)
          measured.paths.push(result)
          const { ratio, noise } = result
          log(`${path.name}, ${runtime}: ${ratio.median.toFixed(2)}, noise ${Math.round(noise * 100)}%`)
        }
      }
      const bytes = (runtime: (typeof runtimes)[number]) => ({
        flowkeep: residentBytes(world.flowkeep[runtime].pid),
        floor: residentBytes(world.floor[runtime].pid),
      })
      measured.memory = { workerd: bytes('workerd'), node: bytes('node') }
    }
    for (const path of values.flames === undefined ? [] : paths) {
      log(`flame graph: ${path.name}`)
      await drawFlames(world, path, values.flames ?? '')
    }
    measured.n8n = has('n8n') ? await againstN8n(paths) : null
    if (has('arrivals')) {
      log('arrivals')
      measured.arrivals = await compareArrivals(world, loader, arriving, Number(values.arrivals), options)
    }
    if (has('scales') && smaller !== null) {
      const other = await createWorld(server.url, smaller, modules, log)
      closing.push(other.close)
      log(`${scale} and ${smaller}`)
      measured.scales = {
        from: smaller,
        to: scale,
        growth: await compareScales(other, world, loader, options),
      }
    }
    return measured

    async function drawFlames({ flowkeep: { node } }: World, path: HotPath, folder: string) {
      const template = { ...path.template, headers: { ...path.template.headers, ...(await path.signIn()) } }
      const load = { url: node.url, template, connections: path.connections, seconds: flameSeconds }
      const run = async () => {
        await loader.run(path.limit === undefined ? load : { ...load, limit: path.limit })
        await path.reset?.()
      }
      await run()
      const svg = flameGraph(path.name, await profileOf(node.pid, run))
      writeFileSync(join(folder, `${path.name.toLowerCase().replaceAll(/\W+/g, '-')}.svg`), svg)
    }

    async function againstN8n(of: HotPath[]) {
      const { N8N_URL: url, N8N_API_KEY: apiKey } = process.env
      if (!url || !apiKey) return null
      log('n8n')
      return compareWithN8n(world, of, loader, options, { url: url.replace(/\/$/, ''), apiKey })
    }
  } finally {
    for (const close of closing) await close()
    for (const each of loaders) each.stop()
    await server.stop()
  }
}

/** CPU time of the process, the least of several. */
async function bcryptMs(): Promise<number> {
  const hash = await bcrypt.hash('plum lantern velvet orbit', 12)
  const taken: number[] = []
  for (let run = 0; run < 5; run += 1) {
    const before = process.cpuUsage()
    await bcrypt.compare('plum lantern velvet orbit', hash)
    const { user, system } = process.cpuUsage(before)
    taken.push((user + system) / 1000)
  }
  return Math.min(...taken)
}

if (values.help) console.log(help)
else if (values.page)
  writeFileSync(performancePagePath, performancePage(JSON.parse(readFileSync(storedPath, 'utf8'))))
else {
  const measured = await measure()
  const json = `${JSON.stringify(measured, null, 2)}\n`
  if (values.json !== undefined) writeFileSync(values.json, json)
  if (values.write) {
    writeFileSync(storedPath, json)
    writeFileSync(performancePagePath, performancePage(measured))
  }
  console.log(`${goalTable(measured)}\n\n${pathTable(measured)}`)
  if (isNoisy(measured))
    console.log('\nThe machine was too noisy: repeat the measurement without other processes.')
}
