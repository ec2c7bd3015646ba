/** @module The demo's workflows for customer support. */
import { forbidden, notFound, rateLimited, timedOut, unauthorized, unavailable } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const triageVersions: DemoVersion[] = [
  {
    daysAgo: 58,
    prompt:
      'Read emails to support@northwind.example, sort them by topic and notify the right Slack channel.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Gmail Trigger', n.gmailTrigger('to:support@northwind.example')],
          [
            'Normalise email',
            n.set({ text: '={{ $json.text }}', from: '={{ $json.from.value[0].address }}' }),
          ],
          ['Triage agent', n.agent('Classify the mail as billing, bug, delivery or other.')],
        )
        .add('Post to Slack', n.slack('#support', '={{ $json.output }}'), [4, 0])
        .link('Triage agent > Post to Slack')
        .below('Triage agent', 'languageModel', 'OpenAI model', n.openAi('gpt-5-mini')),
  },
  {
    daysAgo: 51,
    prompt: 'Look up the sender in our CRM database first, and give their plan to the agent.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.insert(
        'Normalise email > Triage agent',
        'Find customer',
        n.postgres('select id, plan, since from customers where email = $1', 70),
      ),
  },
  {
    daysAgo: 43,
    prompt: 'If the sender is unknown, create a contact in HubSpot before triage.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .insert('Find customer > Triage agent', 'Known customer?', n.when('$json.id', 'exists', ''))
        .room(4)
        .add('Create contact', n.hubspot('contact', 'upsert', { email: '={{ $json.from }}' }), [4, 1])
        .link('Known customer?:1 > Create contact')
        .link('Create contact > Triage agent'),
  },
  {
    daysAgo: 36,
    prompt: null,
    model: null,
    make: (flow) =>
      flow.tune('Triage agent', {
        options: { systemMessage: 'Classify the mail as billing, bug, delivery or other. Answer politely.' },
      }),
  },
  {
    daysAgo: 29,
    prompt: 'Remember earlier messages in the same thread, so follow-ups keep their context.',
    model: 'claude-sonnet-4-5',
    make: (flow) => flow.below('Triage agent', 'memory', 'Thread memory', n.memory()),
  },
  {
    daysAgo: 17,
    prompt: 'Find the Linear issue that a bug report belongs to and put its link into the Slack message.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.insert(
        'Triage agent > Post to Slack',
        'Linear issue',
        n.linear('get', { issueId: '={{ $json.output.issue }}' }),
      ),
  },
  {
    daysAgo: 8,
    prompt: 'Retry Linear three times, one second apart. It times out on Mondays.',
    model: 'gpt-5',
    make: (flow) =>
      flow.tune('Linear issue', { options: { retryOnFail: true, maxTries: 3, waitBetweenTries: 1000 } }),
  },
  {
    daysAgo: 0.09,
    prompt:
      'Search the help centre before you answer. Only open a Linear issue when confidence is under 0.7, and include the summary and labels.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .below(
          'Triage agent',
          'tool',
          'Search help centre',
          n.httpTool('Searches the help centre', 'https://help.northwind.example/api/search'),
        )
        .change(
          'Linear issue',
          n.linear('create', {
            title: '={{ $json.output.summary }}',
            additionalFields: { description: '={{ $json.output.details }}' },
          }),
        )
        .tune('Triage agent', {
          options: { systemMessage: 'Search the help centre first. Give a confidence from 0 to 1.' },
        }),
  },
]

const chatVersions: DemoVersion[] = [
  {
    daysAgo: 57,
    prompt: 'A chat on our help page that answers only from the help centre.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['When chat message received', n.chatTrigger()],
          ['Help agent', n.agent('Answer only from what the search returns. Say so when you do not know.')],
        )
        .below('Help agent', 'languageModel', 'Claude', n.claude('claude-sonnet-4-5'))
        .below('Help agent', 'memory', 'Chat memory', n.memory())
        .below('Help agent', 'tool', 'Search articles', n.searchTool('help-centre'))
        .below('Search articles', 'embedding', 'Embeddings', n.embeddings()),
  },
  {
    daysAgo: 44,
    prompt: 'Log every question with the answer to our database.',
    model: 'claude-sonnet-4-5',
    make: (flow) => flow.add('Log answer', n.upsert('chat_answers'), [4, 0]).link('Help agent > Log answer'),
  },
  {
    daysAgo: 33,
    prompt: 'Customers ask where their parcel is. Give the agent a tool that looks up tracking.',
    model: 'gpt-5',
    make: (flow) =>
      flow.below(
        'Help agent',
        'tool',
        'Track parcel',
        n.httpTool('Where a parcel is', 'https://api.parcels.example/v2/track'),
      ),
  },
  {
    daysAgo: 20,
    prompt: 'Hand over to a person when the customer asks for one: tell #support in Slack.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .insert('Help agent > Log answer', 'Wants a person?', n.when('$json.handover', 'equals', 'yes'))
        .add('Call a person', n.slack('#support', '={{ $json.question }}'), [5, 1])
        .unlink('Wants a person? > Log answer')
        .link('Wants a person? > Call a person')
        .link('Wants a person?:1 > Log answer'),
  },
  {
    daysAgo: 11,
    prompt: 'Use the smaller model. Answers take too long.',
    model: 'claude-haiku-4-5',
    make: (flow) => flow.change('Claude', n.claude('claude-haiku-4-5', 2100)),
  },
]

const summaryVersions: DemoVersion[] = [
  {
    daysAgo: 55,
    prompt: 'When a Zendesk ticket is solved, write a summary of it as an internal note.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Ticket solved', n.webhook('zendesk-solved')],
          ['Get ticket', n.zendesk('get', { id: '={{ $json.body.id }}' })],
          ['Summarise', n.summarise()],
        )
        .add(
          'Add note',
          n.zendesk('update', { id: '={{ $json.id }}', updateFields: { internalNote: '={{ $json.text }}' } }),
          [4, 0],
        )
        .link('Summarise > Add note')
        .below('Summarise', 'languageModel', 'OpenAI model', n.openAi('gpt-5-mini', 2600)),
  },
  {
    daysAgo: 38,
    prompt: 'Leave out tickets with fewer than three comments.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.insert('Get ticket > Summarise', 'Long enough?', n.filter('$json.comment_count', 'gt', 2)),
  },
  {
    daysAgo: 22,
    prompt: 'Use the token of the new Zendesk account.',
    model: null,
    make: (flow) => flow.tune('Add note', { updateFields: { tags: ['summarised'] } }),
  },
  {
    daysAgo: 13,
    prompt: 'Also save the summary to the Solved tickets database in Notion.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .add('Keep in Notion', n.notion('Solved tickets', '={{ $json.subject }}'), [6, 0])
        .link('Add note > Keep in Notion'),
  },
]

export const supportFlows: DemoWorkflow[] = [
  {
    name: 'Support triage',
    description: 'Sorts support email, finds the customer and routes it to the right team.',
    tags: ['ai', 'support'],
    traffic: { mode: 'trigger', perDay: 62, rhythm: 'office' },
    burst: { runs: 41, daysAgo: 0.073 },
    branches: { 'Known customer?': [0.8, 0.2] },
    sigma: 0.35,
    faults: [
      {
        node: 'Linear issue',
        error: forbidden('the token lacks scope issues:create'),
        share: 0.93,
        versions: [8, 8],
      },
      { node: 'Linear issue', error: timedOut(10_000), share: 0.03, versions: [6, 6] },
      { node: 'OpenAI model', error: rateLimited('gpt-5-mini'), share: 0.005 },
    ],
    versions: triageVersions,
    deployments: [
      {
        ...live('eu', triageVersions, [4]),
        history: [
          [1, 57.9],
          [2, 50.8],
          [3, 42.9],
          [5, 28.9],
          [6, 16.9],
          [5, 16.2],
          [6, 14.8],
          [7, 7.9],
          [8, 0.075],
        ],
      },
      {
        server: 'staging',
        status: 'active',
        history: [
          [5, 29],
          [7, 8],
        ],
      },
    ],
  },
  {
    name: 'Help centre chat',
    description: 'Answers questions on the help page using its articles.',
    tags: ['ai', 'customer-facing', 'support'],
    traffic: { mode: 'webhook', perDay: 46, rhythm: 'shop' },
    branches: { 'Wants a person?': [0.12, 0.88] },
    sigma: 0.45,
    faults: [
      {
        node: 'Claude',
        error: unavailable(503, 'Overloaded: the model is at capacity'),
        share: 0.006,
      },
      { node: 'Track parcel', error: timedOut(30_000), share: 0.012, versions: [3, 5] },
      {
        node: 'Search articles',
        error: unauthorized('401 Unauthorized: the API key was revoked'),
        share: 0.9,
        daysAgo: [26.2, 26],
      },
    ],
    versions: chatVersions,
    deployments: [
      live('eu', chatVersions),
      {
        server: 'staging',
        status: 'active',
        history: [
          [3, 34],
          [5, 11.2],
        ],
      },
    ],
  },
  {
    name: 'Zendesk ticket summary',
    description: 'Summarises solved tickets.',
    tags: ['ai', 'support'],
    traffic: { mode: 'webhook', perDay: 30, rhythm: 'office' },
    faults: [
      { node: 'Get ticket', error: notFound('Ticket'), share: 0.012 },
      { node: 'OpenAI model', error: rateLimited('gpt-5-mini'), share: 0.008 },
    ],
    versions: summaryVersions,
    deployments: [
      live('eu', summaryVersions),
      {
        server: 'us',
        status: 'tracking',
        history: [
          [1, 40],
          [3, 20],
        ],
      },
    ],
  },
]
