/** @module Workflows with distinguishable runs. */

export const node = (
  name: string,
  type: string,
  typeVersion: number,
  position: [number, number],
  parameters: object,
) => ({
  id: name.toLowerCase().replaceAll(' ', '-'),
  name,
  type: `n8n-nodes-base.${type}`,
  typeVersion,
  position,
  parameters,
})

export const chain = (...names: string[]) =>
  Object.fromEntries(
    names
      .slice(0, -1)
      .map((name, index) => [name, { main: [[{ node: names[index + 1], type: 'main', index: 0 }]] }]),
  )

/** Returns `text`. Fails at the node "Fail on request" for `{"fail":true}`. Needs the httpHeaderAuth "Demo header". */
export const answering = (path: string, text: string) => ({
  name: `Answering ${path}`,
  nodes: [
    {
      ...node('Hook', 'webhook', 2, [0, 0], {
        httpMethod: 'POST',
        path,
        authentication: 'headerAuth',
        responseMode: 'lastNode',
        options: {},
      }),
      webhookId: `hook-${path}`,
      credentials: { httpHeaderAuth: { name: 'Demo header' } },
    },
    node('Fail on request', 'code', 2, [220, 0], {
      jsCode: "if ($input.first().json.body.fail) throw new Error('Deliberate failure')\nreturn $input.all()",
    }),
    node('Answer', 'set', 3.4, [440, 0], {
      mode: 'manual',
      assignments: { assignments: [{ id: 'a', name: 'answer', value: text, type: 'string' }] },
      options: {},
    }),
  ],
  connections: chain('Hook', 'Fail on request', 'Answer'),
  settings: { executionOrder: 'v1' },
})

export const everySecond = () => ({
  name: 'Every second',
  nodes: [
    node('Each second', 'scheduleTrigger', 1.2, [0, 0], {
      rule: { interval: [{ field: 'seconds', secondsInterval: 1 }] },
    }),
    node('Nothing', 'noOp', 1, [220, 0], {}),
  ],
  connections: chain('Each second', 'Nothing'),
  settings: { executionOrder: 'v1' },
})

/** Returns `text` without authentication. */
export const replying = (path: string, text: string) => ({
  name: `Replying ${path}`,
  nodes: [
    {
      ...node('Hook', 'webhook', 2, [0, 0], {
        httpMethod: 'POST',
        path,
        responseMode: 'lastNode',
        options: {},
      }),
      webhookId: `hook-${path}`,
    },
    node('Answer', 'set', 3.4, [220, 0], {
      mode: 'manual',
      assignments: { assignments: [{ id: 'a', name: 'answer', value: text, type: 'string' }] },
      options: {},
    }),
  ],
  connections: chain('Hook', 'Answer'),
  settings: { executionOrder: 'v1' },
})

/** Waits for three seconds, then fails. */
export const waiting = (path: string) => ({
  name: `Waiting ${path}`,
  nodes: [
    {
      ...node('Hook', 'webhook', 2, [0, 0], { httpMethod: 'POST', path, options: {} }),
      webhookId: `hook-${path}`,
    },
    { ...node('Pause', 'wait', 1.1, [220, 0], { amount: 3, unit: 'seconds' }), webhookId: `wait-${path}` },
    node('Stop', 'stopAndError', 1, [440, 0], { errorMessage: 'Deliberate failure' }),
  ],
  connections: chain('Hook', 'Pause', 'Stop'),
  settings: { executionOrder: 'v1' },
})
