/** @module The same requests as the data grows, and while runs arrive. */
import type { Loader } from './load.ts'
import type { HotPath } from './paths.ts'
import { hotPaths, reportsOf } from './paths.ts'
import { type RoundOptions, type Spread, spreadOf } from './rounds.ts'
import type { Scale } from './settings.ts'
import type { World } from './world.ts'

export interface Growth {
  name: string
  /** Median milliseconds of a request, one at a time, on Node. */
  before: number
  after: number
  /** By round. */
  ratio: Spread
}

const searches = [
  'Search by node type',
  'Search by rare node type',
  'Search by credential type',
  'Search by rare credential type',
  'Search by text',
  'Search by rare text',
  'Search by text, user with 20 workflows',
]
const statistics = ['Summary', 'Overview page']
const batchSize = 50

const median = async (world: World, path: HotPath, loader: Loader, seconds: number): Promise<number> => {
  const headers = { ...path.template.headers, ...(await path.signIn()) }
  const served = await loader.run({
    url: world.flowkeep.node.url,
    template: { ...path.template, headers },
    connections: 1,
    seconds,
  })
  return served.median
}

/** @param larger has a hundred times the rows of `smaller` */
export async function compareScales(
  smaller: World,
  larger: World,
  loader: Loader,
  { rounds, seconds }: RoundOptions,
): Promise<Growth[]> {
  const names = [...searches, ...statistics]
  const paths = await Promise.all([smaller, larger].map((world) => hotPaths(world, names)))
  const results: Growth[] = []
  for (const name of names) {
    const [before, after] = await alternate(rounds, [smaller, larger], (world, index) => {
      const path = paths[index]?.find((each) => each.name === name)
      if (!path) throw new Error(`No path ${name}`)
      return median(world, path, loader, seconds)
    })
    results.push(growthOf(name, before, after))
  }
  return results
}

export interface Arrivals {
  scale: Scale
  /** Executions that were sent a second. */
  perSecond: number
  /** The fewest that were stored a second in a round. */
  stored: number
  growth: Growth[]
}

/** @param perSecond executions that arrive in batches of 50 */
export async function compareArrivals(
  world: World,
  loader: Loader,
  arriving: Loader,
  perSecond: number,
  { rounds, seconds }: RoundOptions,
): Promise<Arrivals> {
  const { instanceId, webhookToken, n8nWorkflowId } = world.tracked
  const template = {
    method: 'POST' as const,
    path: `/hooks/n8n/${instanceId}`,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${webhookToken}` },
    body: JSON.stringify(reportsOf(n8nWorkflowId, batchSize, false)),
  }
  const results: Growth[] = []
  let stored = Infinity
  for (const path of await hotPaths(world, statistics)) {
    const [idle, busy] = await alternate(rounds, [false, true], async (isBusy) => {
      if (!isBusy) return median(world, path, loader, seconds)
      const arrival = arriving.run({
        url: world.flowkeep.node.url,
        template,
        connections: 8,
        // Runs arrive before and after the measurement.
        seconds: seconds + 1,
        perSecond: perSecond / batchSize,
      })
      const taken = await median(world, path, loader, seconds)
      const { requests, seconds: lasted } = await arrival
      stored = Math.min(stored, Math.round((requests * batchSize) / lasted))
      return taken
    })
    results.push(growthOf(path.name, idle, busy))
  }
  return { scale: world.scale, perSecond, stored, growth: results }
}

async function alternate<T>(
  rounds: number,
  [first, second]: [T, T],
  measure: (of: T, index: 0 | 1) => Promise<number>,
): Promise<[number[], number[]]> {
  const taken: [number[], number[]] = [[], []]
  for (let round = -1; round < rounds; round += 1) {
    const both = [await measure(first, 0), await measure(second, 1)] as const
    if (round < 0) continue
    taken[0].push(both[0])
    taken[1].push(both[1])
  }
  return taken
}

const growthOf = (name: string, before: number[], after: number[]): Growth => ({
  name,
  before: spreadOf(before).median,
  after: spreadOf(after).median,
  ratio: spreadOf(after.map((value, round) => value / (before[round] ?? Number.NaN))),
})
