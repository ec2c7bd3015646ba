/**
 * CPU time of the secret scanner as a multiple of JSON.parse on the same text, measured alternately in one process:
 * `npx tsx bench/secrets.ts`. Ordinary runs first, then each kind of hostile text.
 */
import { redact } from '../src/lib/secrets/redact.ts'

const rounds = 5
const minNanoseconds = 20_000_000

/** CPU time per call in nanoseconds, over as many calls as fit into 20 ms. */
function measure(work: () => unknown): number {
  for (let calls = 1; ; calls *= 2) {
    const start = process.cpuUsage()
    for (let call = 0; call < calls; call += 1) work()
    const taken = process.cpuUsage(start).user * 1000
    if (taken >= minNanoseconds) return taken / calls
  }
}

/** The best of several alternating rounds for each of the two. */
function compare(scan: () => unknown, floor: () => unknown): { scan: number; floor: number } {
  const best = { scan: Infinity, floor: Infinity }
  for (let round = 0; round < rounds; round += 1) {
    best.scan = Math.min(best.scan, measure(scan))
    best.floor = Math.min(best.floor, measure(floor))
  }
  return best
}

const runs = Array.from({ length: 800 }, (_, index) => ({
  json: { id: index, name: `Order ${index}`, status: 'shipped', key: `ORD-${index}` },
  text: 'The customer asked: where is my parcel? See https://shop.example/orders?sort_key=name, then answer.',
  code: 'const total = items.reduce((sum, item) => sum + item.json.price, 0);\nreturn { total };',
  startedAt: '2026-11-29T07:00:00.000Z',
}))
const json = JSON.stringify(runs)
/** As received in a report. */
const strings = (JSON.parse(json) as typeof runs).flatMap((run) => [
  run.json.name,
  run.json.status,
  run.json.key,
  run.text,
  run.code,
  run.startedAt,
])
const stringsJson = JSON.stringify(strings)

for (const [name, text, scan] of [
  ['strings', stringsJson, () => strings.map((each) => redact(each))],
  ['JSON text', json, () => redact(json)],
] as const) {
  const best = compare(scan, () => JSON.parse(text))
  console.log(
    `${name}: ${(best.scan / text.length).toFixed(1)} ns/byte, ${(best.scan / best.floor).toFixed(1)}x JSON.parse`,
  )
}

const hostile = [
  'key=',
  'token: ',
  '-----BEGIN ',
  '-----END ',
  'eyJ',
  'sk-',
  'a',
  '"',
  '\\"',
  '=',
  ':',
  '://',
  '@',
  'Bearer ',
  'secret=a;',
  'authorization: ',
  'token:{',
  '<password>',
  'password="',
  'key=a&',
  '%3D',
  '1/',
  'password is ',
  'a1b2c3d4e5f6a7b8 ',
  'token a1b2c3d4e5f6a7b8-',
  'a:b@',
  'mysql -p',
  '&#61;',
  'ghp_',
  'x_',
]
for (const part of hostile) {
  const text = part.repeat(Math.ceil((1 << 15) / part.length))
  console.log(`${JSON.stringify(part)}: ${(measure(() => redact(text)) / text.length).toFixed(1)} ns/byte`)
}
