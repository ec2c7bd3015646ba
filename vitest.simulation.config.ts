import { defineConfig } from 'vitest/config'
import { common, globalSetup, reporters } from './vitest.config.ts'

export default defineConfig({
  test: {
    ...common,
    reporters,
    globalSetup,
    env: { FLOWKEEP_SEEDS: process.env['FLOWKEEP_SEEDS'] ?? '1-10000' },
    include: ['test/simulation/**/*.test.ts'],
  },
})
