/** Small workflows to test. */
const versions: Record<string, number> = {
  webhook: 2,
  set: 3.4,
  code: 2,
  if: 2.2,
  merge: 3,
  httpRequest: 4.2,
  scheduleTrigger: 1.2,
  formTrigger: 2.2,
  executeWorkflowTrigger: 1.1,
  respondToWebhook: 1.1,
  wait: 1.1,
}

export const node = (name: string, type: string, parameters: object) => ({
  id: name,
  name,
  type: type.includes('.') ? type : `n8n-nodes-base.${type}`,
  typeVersion: versions[type] ?? 1,
  position: [0, 0],
  parameters,
})

/** Each node is connected to the next one. */
export const chainOf = (...nodes: ReturnType<typeof node>[]) => ({
  nodes,
  connections: Object.fromEntries(
    nodes
      .slice(0, -1)
      .map(({ name }, index) => [
        name,
        { main: [[{ node: nodes[index + 1]?.name, type: 'main', index: 0 }]] },
      ]),
  ),
  settings: {},
})
