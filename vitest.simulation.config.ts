import { defineConfig } from 'vitest/config'
import { common, globalSetup, reporters } from './vitest.config.ts'

/** `npm run test:simulation`: each process simulates every `FLOWKEEP_JOBS`th seed. */
const jobs = Number(process.env['FLOWKEEP_JOBS'] ?? 1)
const from = Number(process.env['FLOWKEEP_FROM'] ?? 1)
const seeds = Number(process.env['FLOWKEEP_SEEDS'] ?? 50)

const projects = Array.from({ length: jobs }, (_, job) => ({
  test: {
    ...common,
    name: `simulation-${job + 1}`,
    env: { FLOWKEEP_SEEDS: [from + job, from + seeds - 1, jobs].join(' ') },
    include: ['test/simulation/**/*.test.ts'],
  },
}))

export default defineConfig({ test: { reporters, globalSetup, maxWorkers: jobs, projects } })
