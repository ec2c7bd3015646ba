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
describe('tenancy', () => void tenancy(world))
describe('authentication and sessions', () => void authentication(world))
describe('input', () => void input(world))
describe('credentials at rest', () => void credentials(world))
describe('outgoing requests', () => void outgoing(world))
describe('webhook reports', () => void webhooks(world))
describe('browser surface', () => void browserSurface(world))
describe('operations', () => void operations(world))
