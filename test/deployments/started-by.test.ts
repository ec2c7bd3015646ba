import { expect, test } from 'vitest'
import { startedBy } from '../../src/deployments/remote/body.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'

const catalogue = await loadCatalogue()

/** Measured by publishing each with n8n 2.41.1. */
test.each([
  ['nothing', []],
  ['nothing', ['stickyNote@1']],
  ['nothing', ['set@3.4', 'noOp@1']],
  ['nothing', ['manualTrigger@1', 'noOp@1']],
  ['nothing', ['evaluationTrigger@4.6', 'noOp@1']],
  ['call', ['executeWorkflowTrigger@1.1', 'manualTrigger@1']],
  ['call', ['errorTrigger@1']],
  ['trigger', ['errorTrigger@1', 'webhook@2']],
  ['resume', ['manualTrigger@1', 'wait@1.1']],
  ['resume', ['form@1', 'noOp@1']],
  ['resume', ['manualTrigger@1', 'slack@2.3']],
  ['nothing', ['manualTrigger@1', 'slack@1']],
] as const)('%s starts %j', (expected, types) => {
  const nodes = types.map((each) => {
    const [type = '', version] = each.split('@')
    return { name: type, type: `n8n-nodes-base.${type}`, typeVersion: Number(version), parameters: {} }
  })
  expect(startedBy({ nodes }, catalogue)).toBe(expected)
  const disabled = nodes.map((node) => Object.assign({}, node, { disabled: true }))
  expect(startedBy({ nodes: disabled }, catalogue)).toBe('nothing')
})
