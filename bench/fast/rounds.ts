/** @module Compares a route with its floor in alternating rounds. */
import { cpuTime } from '../workerd.ts'
import type { Statement } from './floor.ts'
import type { Loader, Served } from './load.ts'
import type { HotPath } from './paths.ts'
import { perSecondInPostgres } from './prepared.ts'
import { requestsOf, type Template, unique } from './template.ts'
import type { Runtime, World } from './world.ts'

export interface Spread {
  min: number
  median: number
  max: number
}

export interface PathResult {
  name: string
  runtime: Runtime
  statements: number
  roundTrips: number
  /** Requests per second. */
  perSecond: { route: Spread; floor: Spread }
  /** Of the route over the floor, in requests per second, by round. */
  ratio: Spread
  /** Milliseconds of CPU time per request, of the server's process. */
  cpu: { route: number; floor: number }
  /** Of the route over the same statement, prepared, without a server. Null if not measured. */
  prepared: { perSecond: Spread; ratio: Spread } | null
  /** Difference of the floor's fastest and slowest round over its median. */
  noise: number
}

export interface RoundOptions {
  rounds: number
  seconds: number
}

export function spreadOf(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    min: sorted[0] ?? Number.NaN,
    median: sorted[sorted.length >> 1] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  }
}

const uuids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const uuidsIn = (statements: Statement[]) => new Set(JSON.stringify(statements).match(uuids))

/**
 * The statements of a request, with its unique parts: the digits of the template, the chosen value, and the IDs that the route
 * creates.
 */
export async function statementsOf(world: World, { template }: HotPath) {
  const next = requestsOf(template, 0xc0_0000)
  const record = async () => {
    const { path, body } = next()
    const { method, headers } = template
    const trips = await world.recorded(async () => {
      const response = await fetch(world.flowkeep.workerd.url + path, {
        method,
        headers,
        body,
        redirect: 'manual',
      })
      const text = await response.text()
      if (response.status >= 400)
        throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
    })
    return trips
  }
  // The first request can load what later ones have.
  await record()
  const trips = await record()
  const others = uuidsIn((await record()).flat())
  let fresh = [...uuidsIn(trips.flat())].filter((id) => !others.has(id))
  const values = template.values ?? []
  fresh = fresh.filter((id) => !values.includes(id))
  let text = JSON.stringify(trips.flat())
  // Statements without them are repeated as they are.
  for (const [index, id] of fresh.entries())
    text = text.replaceAll(id, id.slice(0, 24) + unique + index.toString(16).padStart(4, '0'))
  text = text.replaceAll(digitsOf(0xc0_0001), unique)
  const value = values[1]
  if (value !== undefined) text = text.replaceAll(value, '{chosen}')
  return { statements: JSON.parse(text) as Statement[], roundTrips: trips.length }
}

const digitsOf = (value: number) => value.toString(16).padStart(8, '0')

/** @returns the request of the floor that sends the statements */
async function storeFloor(
  world: World,
  runtime: Runtime,
  { name, template }: HotPath,
  statements: Statement[],
): Promise<Template> {
  const path = `/${encodeURIComponent(name.replaceAll('/', ' '))}`
  const response = await fetch(world.floor[runtime].url + path, {
    method: 'PUT',
    body: JSON.stringify(statements),
  })
  if (!response.ok) throw new Error(`The floor returned ${response.status}`)
  if (template.method === 'GET') return { method: 'GET', path, headers: {}, body: null }
  return {
    method: 'POST',
    path,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(statements.map(({ params }) => params)),
    ...(template.values && { values: template.values }),
  }
}

export async function comparePath(
  world: World,
  runtime: Runtime,
  path: HotPath,
  loader: Loader,
  { rounds, seconds }: RoundOptions,
): Promise<PathResult> {
  const withSession = async () => ({
    ...path,
    template: { ...path.template, headers: { ...path.template.headers, ...(await path.signIn()) } },
  })
  const { statements, roundTrips } = await statementsOf(world, await withSession())
  await path.reset?.()
  const ingesting = statements.find(({ query }) => query.includes('record_executions('))
  const floor = await storeFloor(world, runtime, path, statements)
  const { connections, limit } = path
  const serve = async (server: { url: string; pid: number }, template: Template, lasting = seconds) => {
    const before = cpuTime(server.pid)
    const served = await loader.run({
      url: server.url,
      template,
      connections,
      seconds: lasting,
      ...(limit !== undefined && { limit }),
    })
    const cpu = (cpuTime(server.pid) - before) / served.requests
    await path.reset?.()
    return { perSecond: rateOf(served), cpu }
  }
  const [route, bare] = [world.flowkeep[runtime], world.floor[runtime]]
  const taken = { route: [] as number[], floor: [] as number[], prepared: [] as number[] }
  const cpu = { route: [] as number[], floor: [] as number[] }
  for (let round = -1; round < rounds; round += 1) {
    // The round before the first one warms up.
    const lasting = round < 0 ? Math.min(seconds, 0.5) : seconds
    const { template } = await withSession()
    const both = {
      route: () => serve(route, template, lasting),
      floor: () => serve(bare, floor, lasting),
    }
    const order = round % 2 === 0 ? (['route', 'floor'] as const) : (['floor', 'route'] as const)
    for (const which of order) {
      const { perSecond, cpu: each } = await both[which]()
      if (round < 0) continue
      taken[which].push(perSecond)
      cpu[which].push(each)
    }
    if (round >= 0 && ingesting)
      taken.prepared.push(await perSecondInPostgres(world.postgresUrl, ingesting, connections, seconds))
  }
  const ratios = taken.route.map((each, round) => each / (taken.floor[round] ?? Number.NaN))
  const ofFloor = spreadOf(taken.floor)
  return {
    name: path.name,
    runtime,
    statements: statements.length,
    roundTrips,
    perSecond: { route: spreadOf(taken.route), floor: ofFloor },
    ratio: spreadOf(ratios),
    cpu: { route: spreadOf(cpu.route).median, floor: spreadOf(cpu.floor).median },
    prepared:
      taken.prepared.length === 0
        ? null
        : {
            perSecond: spreadOf(taken.prepared),
            ratio: spreadOf(taken.route.map((each, round) => each / (taken.prepared[round] ?? Number.NaN))),
          },
    noise: (ofFloor.max - ofFloor.min) / ofFloor.median,
  }
}

export const rateOf = ({ requests, seconds }: Served): number => requests / seconds
