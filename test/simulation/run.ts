/**
 * @module `npm run test:simulation -- --seeds 10000 --from 1 --jobs 4`: that many seeds from that one, on that many
 * processes. Exits with 1 if one breaks an invariant.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
})
const [seeds, from, jobs] = [values.seeds, values.from, values.jobs].map((given) => {
  if (!/^\d{1,9}$/.test(given) || Number(given) === 0) throw new Error(`${given} is not a positive number`)
  return Number(given)
}) as [number, number, number]
process.env['FLOWKEEP_SEEDS'] = String(seeds)
process.env['FLOWKEEP_FROM'] = String(from)
process.env['FLOWKEEP_JOBS'] = String(Math.min(jobs, seeds))
const vitest = await startVitest('test', [], {
  config: 'vitest.simulation.config.ts',
  run: true,
  watch: false,
})
await vitest.close()
