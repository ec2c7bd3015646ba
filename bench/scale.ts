/**
 * What an installation of 10,000 to 1,000,000 users needs and costs: `npm run bench:scale`. Prints docs/scale.md from
 * the stored measurement in bench/scale.json, with other assumptions or prices if given, such as `--runs 5000
 * --neon-cu-hour 0.222`; `--help` lists them. `--measure` measures again, on a real Postgres 15 with the account of
 * `npm run demo -- --large` multiplied to `--rows` rows in each table (by default 10000), and takes a quarter of an hour.
 * `--write` writes the page and the measurement.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { generateKeys } from '../src/cli/server/state.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { type Assumptions, defaults, type Measured, scalePage, scalePagePath } from './scale-page.ts'
import { measurePolls } from './scale-polls.ts'
import { measureRequests } from './scale-requests.ts'
import { account, measureSizes, seed } from './scale-rows.ts'

const measuredPath = join(import.meta.dirname, 'scale.json')
const dashed = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const names = Object.keys(defaults) as (keyof Assumptions)[]
const numbers = names.map((name) => [dashed(name), { type: 'string' as const }] as const)
const { values } = parseArgs({
  options: {
    ...(Object.fromEntries(numbers) as Record<string, { type: 'string' }>),
    rows: { type: 'string', default: '10000' },
    requests: { type: 'string', default: '15' },
    measure: { type: 'boolean' },
    write: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

async function measure(): Promise<Measured> {
  const server = await startPostgres()
  const admin = new Client({ connectionString: server.url })
  await admin.connect()
  const databaseUrl = (name: string) => server.url.replace(/\/postgres$/, `/${name}`)
  try {
    for (const name of ['polls', 'scale']) await admin.query(`create database ${name}`)
    const polls = await measurePolls(databaseUrl('polls'))
    const env = { ...generateKeys(), PUBLIC_URL: 'http://127.0.0.1:8787' }
    const url = databaseUrl('scale')
    await seed(url, env)
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      const sizes = await measureSizes(client, Number(values['rows']), defaults.dataDays)
      const { rows } = await client.query<{ version: string }>(
        `select current_setting('server_version') as version`,
      )
      const requests = Number(values['requests'])
      const costs = await measureRequests({ databaseUrl: url, client, env, account, requests })
      const on = {
        date: new Date().toISOString().slice(0, 10),
        cpu: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
        node: process.version,
        postgres: rows[0]?.version.split(' ')[0] ?? '',
      }
      return { on, sizes, costs, polls }
    } finally {
      await client.end()
    }
  } finally {
    await admin.end()
    await server.stop()
  }
}

if (values['help']) {
  for (const name of names) console.log(`--${dashed(name)} (${defaults[name]})`)
} else {
  const measured: Measured = values['measure']
    ? await measure()
    : JSON.parse(readFileSync(measuredPath, 'utf8'))
  const given = names.flatMap((name) => {
    const value = (values as Record<string, string | boolean | undefined>)[dashed(name)]
    return value === undefined ? [] : [[name, Number(value)] as const]
  })
  if (given.some(([, value]) => !(value >= 0))) throw new Error('An assumption is not a number')
  const page = scalePage(measured, { ...defaults, ...Object.fromEntries(given) })
  if (values['write']) {
    if (given.length > 0) throw new Error('docs/scale.md has the default assumptions')
    writeFileSync(measuredPath, `${JSON.stringify(measured, null, 2)}\n`)
    writeFileSync(scalePagePath, page)
  } else console.log(page)
}
