import { randomBytes } from 'node:crypto'

/** A webhook with a Slack node. */
export function orders({ path = randomBytes(6).toString('hex'), text = 'v1', name = 'Orders' } = {}) {
  return {
    name,
    nodes: [
      {
        id: 'hook',
        name: 'Hook',
        type: 'n8n-nodes-base.webhook',
        typeVersion: 2,
        position: [0, 0],
        webhookId: path,
        parameters: { path, httpMethod: 'POST', options: {} },
      },
      {
        id: 'slack',
        name: 'Slack',
        type: 'n8n-nodes-base.slack',
        typeVersion: 2.2,
        position: [220, 0],
        parameters: { select: 'channel', channelId: '#orders', text },
        credentials: { slackApi: { id: null, name: '' } },
      },
    ],
    connections: { Hook: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
    settings: { executionOrder: 'v1' },
  }
}
