/**
 * What checking a password costs: `npx tsx bench/password.ts [runs]`, on Linux. CPU time relative to native bcrypt of cost 12
 * on Node, in the same run. The least of all runs counts.
 */
import bcrypt from '@node-rs/bcrypt'
import { rolldown } from 'rolldown'
import { nativeScrypt, type ScryptCost } from '../src/crypto/scrypt.ts'
import { cpuTime, startWorkerd } from './workerd.ts'

const runs = Number(process.argv[2] ?? 9)
const text = 'x'.repeat(64)
const salt = new Uint8Array(16)
const hash = await bcrypt.hash(text, 12)
/** Settings that OWASP recommends as equally strong. */
const costs: ScryptCost[] = [
  { N: 2 ** 14, r: 8, p: 5 },
  { N: 2 ** 15, r: 8, p: 3 },
  { N: 2 ** 16, r: 8, p: 2 },
  { N: 2 ** 17, r: 8, p: 1 },
]
const nameOf = ({ N, p }: ScryptCost) => `scrypt N=2^${Math.log2(N)} p=${p}, ${N / 1024} MiB`

const entry = `
import { compare } from 'bcryptjs'
import { nativeScrypt } from ${JSON.stringify(new URL('../src/crypto/scrypt.ts', import.meta.url).pathname)}
export default {
  async fetch(request) {
    const { bcrypt, cost } = await request.json()
    if (bcrypt) return Response.json(await compare(${JSON.stringify(text)}, ${JSON.stringify(hash)}))
    await nativeScrypt(${JSON.stringify(text)}, new Uint8Array(16), cost)
    return new Response('done')
  },
}`
await using bundle = await rolldown({
  input: { worker: 'virtual:password' },
  external: /^node:/,
  plugins: [
    {
      name: 'password',
      resolveId: (id) =>
        id === 'virtual:password' ? new URL('password-worker.js', import.meta.url).pathname : null,
      load: (id) => (id.endsWith('bench/password-worker.js') ? entry : null),
    },
  ],
})
const { output } = await bundle.generate({ format: 'esm', entryFileNames: '[name].js' })
const workerd = await startWorkerd([output[0]], {})

async function least(pid: number, work: () => Promise<unknown>): Promise<number> {
  let fewest = Infinity
  for (let run = 0; run < runs; run += 1) {
    const before = cpuTime(pid)
    await work()
    fewest = Math.min(fewest, cpuTime(pid) - before)
  }
  return fewest
}

const ask = (body: object) => () =>
  fetch(workerd.url, { method: 'POST', body: JSON.stringify(body) }).then((response) => response.text())
try {
  const node = process.pid
  const native = await least(node, () => bcrypt.compare(text, hash))
  const rows: [string, number][] = [['bcrypt 12, native, Node', native]]
  for (const cost of costs)
    rows.push([`${nameOf(cost)}, Node`, await least(node, () => nativeScrypt(text, salt, cost))])
  rows.push(['bcrypt 12, bcryptjs, workerd', await least(workerd.pid, ask({ bcrypt: true }))])
  for (const cost of costs) rows.push([`${nameOf(cost)}, workerd`, await least(workerd.pid, ask({ cost }))])
  console.table(
    Object.fromEntries(
      rows.map(([name, ms]) => [name, { ms: Math.round(ms), ratio: (ms / native).toFixed(2) }]),
    ),
  )
} finally {
  workerd.stop()
}
