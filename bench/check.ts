/**
 * What a check costs in workerd, in CPU time of the whole process: `npx tsx bench/check.ts [folder of workflows]`, on Linux.
 * Reading the workflow as JSON counts as well. Cold: the first check of an isolate that has answered one request but has not
 * loaded facts or the parser; the medians of several isolates, next to a request that does nothing. The thread that runs the
 * worker is listed separately, because others compile and collect garbage meanwhile. Warm: per node, a large workflow should cost no
 * more than a small one. With a folder, its workflows of 15 to 17 nodes and its largest one are checked too. Last, what stays
 * in memory after checks of all workflows, measured in Node.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { bundleWorker } from '../scripts/worker-bundle.ts'
import { checkWorkflow } from '../src/check/run.ts'
import { isObject, type JsonObject } from '../src/lib/json-object.ts'
import { workflowsInText } from '../src/n8n/reading/workflow-text.ts'
import { cpuTime, startWorkerd, threadTime } from './workerd.ts'

const sizes = [16, 50, 100, 200, 401, 800]
const rounds = 5
const isolates = 15

const node = (type: string, typeVersion: number, parameters: JsonObject) => ({
  type: `n8n-nodes-base.${type}`,
  typeVersion,
  parameters,
})
const trigger = node('scheduleTrigger', 1.2, { rule: { interval: [{ field: 'hours', hoursInterval: 2 }] } })
const options = { caseSensitive: true, leftValue: '', typeValidation: 'strict', version: 2 }
const others = [
  node('httpRequest', 4.2, {
    url: '=https://api.example.com/orders/{{ $json.id }}?since={{ $now.minus({ days: 1 }).toISO() }}',
    sendHeaders: true,
    headerParameters: { parameters: [{ name: 'Accept', value: 'application/json' }] },
    options: { timeout: 5000 },
  }),
  node('code', 2, {
    jsCode:
      "const orders = $input.all().filter(({ json }) => json.total > 100)\nreturn orders.map(({ json }) => ({ json: { ...json, key: `${json.id}-${$('Node 0').first().json.timestamp}` } }))",
  }),
  node('set', 3.4, {
    assignments: {
      assignments: ['a', 'b', 'c'].map((name) => ({
        id: name,
        name,
        value: `={{ $json.${name} ?? 'none' }}`,
        type: 'string',
      })),
    },
    options: {},
  }),
  node('if', 2.2, {
    conditions: {
      options,
      combinator: 'and',
      conditions: [
        {
          id: '1',
          leftValue: '={{ $json.a }}',
          rightValue: 'x',
          operator: { type: 'string', operation: 'equals' },
        },
      ],
    },
  }),
  node('slack', 2.3, {
    select: 'channel',
    channelId: { __rl: true, mode: 'name', value: '#orders' },
    text: "=Order {{ $('Node 0').item.json.id }}: {{ $json.a.toUpperCase() }}",
    otherOptions: {},
  }),
]

/** A chain of nodes. */
function sample(size: number): JsonObject {
  const nodes = Array.from({ length: size }, (_, index) => ({
    id: `id-${index}`,
    name: `Node ${index}`,
    position: [index * 200, 0],
    ...(index === 0 ? trigger : others[index % others.length]),
  }))
  const connections = nodes
    .slice(1)
    .map(({ name }, index) => [`Node ${index}`, { main: [[{ node: name, type: 'main', index: 0 }]] }])
  return { name: 'Sample', nodes, connections: Object.fromEntries(connections) as unknown, settings: {} }
}

const workflowsIn = (folder: string): JsonObject[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file !== 'index.json')
    .flatMap((file) => {
      try {
        return workflowsInText(readFileSync(join(folder, file), 'utf8')).workflows
      } catch {
        return []
      }
    })
    .map(({ value }) => value)
    .filter(isObject)

const nodesOf = ({ nodes }: JsonObject): number => (Array.isArray(nodes) ? nodes.length : 0)
const ms = (value: number): string => `${value.toFixed(2)} ms`

const [, , folder] = process.argv
const workflows = folder === undefined ? [] : workflowsIn(folder)
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const modules = await bundleWorker({ worker: 'bench/check-worker.ts' })

/** Requests to a new isolate, in order. */
const requests = ['', '', 'load', 'check'] as const
const labels = ['first request', 'request', 'facts and parser', 'first check with facts']

async function measureCold(workflow: JsonObject): Promise<void> {
  const body = JSON.stringify({ workflow, times: 1 })
  const taken = labels.map(() => ({ all: [] as number[], worker: [] as number[] }))
  for (let isolate = 0; isolate < isolates; isolate += 1) {
    const { pid, url, stop } = await startWorkerd(modules, {})
    try {
      for (const [index, path] of requests.entries()) {
        const before = [cpuTime(pid), threadTime(pid)] as const
        const response = await fetch(`${url}/${path}`, path === '' ? {} : { method: 'POST', body })
        if (!response.ok) throw new Error(await response.text())
        await response.arrayBuffer()
        taken[index]?.all.push(cpuTime(pid) - before[0])
        taken[index]?.worker.push(threadTime(pid) - before[1])
      }
    } finally {
      stop()
    }
  }
  for (const [index, { all, worker }] of taken.entries())
    console.log(
      `Cold, ${labels[index]}: ${ms(median(all))}, of which the worker's thread ${ms(median(worker))}`,
    )
  const cold = (of: 'all' | 'worker'): string => {
    const [, idle, load, check] = taken.map((each) => each[of])
    return ms(median((load ?? []).map((each, at) => each + (check?.[at] ?? 0) - 2 * (idle?.[at] ?? 0))))
  }
  console.log(`Cold check of 16 nodes: ${cold('all')}, of which the worker's thread ${cold('worker')}`)
}

await measureCold(sample(16))
const { pid, url, stop } = await startWorkerd(modules, {})
try {
  const check = async (workflow: JsonObject, times: number): Promise<number> => {
    const before = cpuTime(pid)
    const response = await fetch(`${url}/check`, {
      method: 'POST',
      body: JSON.stringify({ workflow, times }),
    })
    if (!response.ok) throw new Error(await response.text())
    await response.arrayBuffer()
    return (cpuTime(pid) - before) / times
  }
  /** The least of several rounds, each of as many checks as take some 100 ms. */
  const measure = async (workflow: JsonObject): Promise<number> => {
    const times = Math.max(1, Math.ceil((30 * 16) / nodesOf(workflow)))
    const taken: number[] = []
    for (let round = 0; round < rounds; round += 1) taken.push(await check(workflow, times))
    return Math.min(...taken)
  }

  await check(sample(16), 1)
  let base = 0
  for (const size of sizes) {
    const taken = await measure(sample(size))
    base ||= taken / size
    console.log(
      `${String(size).padStart(5)} nodes: ${ms(taken)}, per node ${(taken / size / base).toFixed(2)} times the cost per node of 16`,
    )
  }
  if (workflows.length > 0) {
    const usual = workflows.filter((each) => nodesOf(each) >= 15 && nodesOf(each) <= 17)
    const firsts: number[] = []
    const warm: number[] = []
    for (const each of usual) firsts.push(await check(each, 1))
    for (const each of usual) warm.push(await measure(each))
    console.log(
      `${usual.length} workflows of 15 to 17 nodes: first ${ms(median(firsts))}, then ${ms(median(warm))}`,
    )
    const [largest] = workflows.toSorted((a, b) => nodesOf(b) - nodesOf(a))
    if (largest) {
      const first = await check(largest, 1)
      console.log(`${nodesOf(largest)} nodes: first ${ms(first)}, then ${ms(await measure(largest))}`)
    }
  }
} finally {
  stop()
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const heap = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}
const before = heap()
for (const workflow of [sample(16), ...workflows]) await checkWorkflow(workflow)
console.log(`Facts and parser in memory: ${(heap() - before).toFixed(1)} MiB`)
