/**
 * Every threat of `docs/threat-model.md`, over HTTP. `npm run test:threats` runs them on Node and on workerd.
 */
import { describe } from 'vitest'
import { authentication } from './authentication.ts'
import { browserSurface } from './browser.ts'
import { credentials } from './credentials.ts'
import { input } from './input.ts'
import { operations } from './operations.ts'
import { outgoing } from './outgoing.ts'
import { useWorld } from './suite.ts'
import { tenancy } from './tenancy.ts'
import { webhooks } from './webhooks.ts'

const world = useWorld()
describe('tenancy', () => {
  tenancy(world)
})
describe('authentication and sessions', () => {
  authentication(world)
})
describe('input', () => {
  input(world)
})
describe('credentials at rest', () => {
  credentials(world)
})
describe('outgoing requests', () => {
  outgoing(world)
})
describe('webhook reports', () => {
  webhooks(world)
})
describe('browser surface', () => {
  browserSurface(world)
})
describe('operations', () => {
  operations(world)
})
