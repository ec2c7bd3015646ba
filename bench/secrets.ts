/**
 * CPU time of the secret scanner against JSON.parse and JSON.stringify of the same text: `npx tsx bench/secrets.ts`.
 * Ordinary runs first, then 1 MB of each text that a hostile report may hold.
 */
import { redact } from '../src/lib/secrets.ts'

const rounds = 5

/** The best of some rounds, in nanoseconds. */
function cpuTime(work: () => unknown): number {
  const times = Array.from({ length: rounds }, () => {
    const start = process.cpuUsage()
    work()
    return process.cpuUsage(start).user * 1000
  })
  return Math.min(...times)
}

const runs = Array.from({ length: 800 }, (_, index) => ({
  json: { id: index, name: `Order ${index}`, status: 'shipped', key: `ORD-${index}` },
  text: 'The customer asked: where is my parcel? See https://shop.example/orders?sort_key=name, then answer.',
  code: 'const total = items.reduce((sum, item) => sum + item.json.price, 0);\nreturn { total };',
  startedAt: '2026-11-29T07:00:00.000Z',
}))
const json = JSON.stringify(runs)
const strings = runs.flatMap((run) => [run.json.name, run.json.status, run.json.key, run.text, run.code])
const stringsJson = JSON.stringify(strings)

for (const [name, text, scan, value] of [
  ['strings', stringsJson, () => strings.map((each) => redact(each)), strings],
  ['JSON text', json, () => redact(json), runs],
] as const) {
  const scanned = cpuTime(scan)
  const parsed = cpuTime(() => JSON.parse(text))
  const written = cpuTime(() => JSON.stringify(value))
  console.log(
    `${name}: ${(scanned / text.length).toFixed(1)} ns/byte, ${(scanned / parsed).toFixed(1)}x JSON.parse, ${(scanned / written).toFixed(1)}x JSON.stringify`,
  )
}

const hostile = [
  ...['key=', 'token: ', '-----BEGIN ', 'eyJ', 'sk-', 'a', '"', '\\"', '=', ':', '://', '@', 'Bearer '],
  ...['secret=a;', 'authorization: ', 'token:{', '<password>', 'password="', 'key=a&', '%3D', '1/'],
]
for (const part of hostile) {
  const text = part.repeat(Math.ceil((1 << 20) / part.length))
  console.log(`${JSON.stringify(part)}: ${(cpuTime(() => redact(text)) / text.length).toFixed(1)} ns/byte`)
}
