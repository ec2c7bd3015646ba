/** @module The demo's workflows for engineering. */
import { forbidden, notFound, operationError, timedOut, unavailable } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const incidentVersions: DemoVersion[] = [
  {
    daysAgo: 59,
    prompt: 'For Sentry alerts, page the person on call if it is serious, otherwise only notify #errors.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Sentry alert', n.webhook('sentry')],
          ['Serious?', n.when('$json.body.level', 'equals', 'fatal')],
        )
        .add('Page on-call', n.pagerDuty('={{ $json.body.title }}'), [2, -0.5])
        .add('Tell #errors', n.slack('#errors', '={{ $json.body.title }}'), [2, 0.5])
        .link('Serious? > Page on-call')
        .link('Serious?:1 > Tell #errors'),
  },
  {
    daysAgo: 36,
    prompt: 'Open an issue on GitHub for every new error.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .add('Open issue', n.github('issue', 'create', { title: '={{ $json.body.title }}' }), [3, 0.5])
        .link('Tell #errors > Open issue'),
  },
  {
    daysAgo: 12,
    prompt: 'Skip errors from staging.',
    model: 'gpt-5',
    make: (flow) =>
      flow.insert(
        'Sentry alert > Serious?',
        'Production',
        n.filter('$json.body.environment', 'equals', 'production'),
      ),
  },
]

const reviewVersions: DemoVersion[] = [
  {
    daysAgo: 49,
    prompt: 'Look at every pull request and comment on what could break.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Pull request', n.githubTrigger('shop', 'pull_request')],
          ['Get diff', n.http('GET', '={{ $json.body.pull_request.diff_url }}', { ms: 480 })],
          ['Review agent', n.agent('You review code. Name at most three risks, each with file and line.')],
        )
        .add('Comment', n.github('issue', 'createComment', { body: '={{ $json.output }}' }), [4, 0])
        .link('Review agent > Comment')
        .below('Review agent', 'languageModel', 'Claude', n.claude('claude-opus-4-1', 11_800)),
  },
  {
    daysAgo: 40,
    prompt: 'Let it read other files when it needs them.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow.below(
        'Review agent',
        'tool',
        'Read file',
        n.httpTool('Reads a file of the repository', 'https://api.github.com/repos/northwind/shop/contents'),
      ),
  },
  {
    daysAgo: 27,
    prompt: 'Skip pull requests opened by bots.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.insert(
        'Pull request > Get diff',
        'By a person?',
        n.filter('$json.body.sender.type', 'equals', 'User'),
      ),
  },
  {
    daysAgo: 9,
    prompt: 'Count the changed lines first, and leave large pull requests to people.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.below(
        'Review agent',
        'tool',
        'Count lines',
        n.codeTool('Counts the lines of a text', 'return query.split("\\n").length'),
      ),
  },
]

const uptimeVersions: DemoVersion[] = [
  {
    daysAgo: 60,
    prompt: 'Every hour, check that the shop and the API respond, and alert me on Telegram if not.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Every hour', n.schedule({ field: 'hours', hoursInterval: 1 })],
          ['Shop', n.http('GET', 'https://northwind.example/health', { ms: 110 })],
          ['API', n.http('GET', 'https://api.northwind.example/health', { ms: 60 })],
          ['Healthy?', n.when('$json.status', 'equals', 'ok')],
        )
        .add('All well', n.set({ state: 'ok' }), [4, -0.5])
        .add('Tell Telegram', n.telegram('=Down: {{ $json.url }}'), [4, 0.5])
        .link('Healthy? > All well')
        .link('Healthy?:1 > Tell Telegram'),
  },
  {
    daysAgo: 20,
    prompt: 'Check the checkout page as well.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.insert(
        'API > Healthy?',
        'Checkout',
        n.http('GET', 'https://pay.northwind.example/health', { ms: 90 }),
      ),
  },
]

const cleanupVersions: DemoVersion[] = [
  {
    daysAgo: 52,
    prompt: 'Every night, delete old sessions from Postgres and Redis.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['At four', n.schedule({ field: 'days', triggerAtHour: 4 })],
        ['Delete sessions', n.postgres("delete from sessions where at < now() - interval '30 days'", 5200)],
        ['Empty cache', n.redis('sessions')],
      ),
  },
  {
    daysAgo: 19,
    prompt: null,
    model: null,
    make: (flow) =>
      flow.tune('Delete sessions', { query: "delete from sessions where at < now() - interval '14 days'" }),
  },
]

export const engineeringFlows: DemoWorkflow[] = [
  {
    name: 'Incident relay',
    description: 'Routes Sentry alerts to the right people.',
    tags: ['engineering', 'on-call'],
    traffic: { mode: 'webhook', perDay: 18, rhythm: 'flat' },
    branches: { 'Serious?': [0.08, 0.92] },
    faults: [
      {
        node: 'Open issue',
        error: forbidden('Resource not accessible by personal access token'),
        share: 0.9,
        daysAgo: [10.4, 10.1],
      },
    ],
    versions: incidentVersions,
    deployments: [
      live('eu', incidentVersions),
      {
        server: 'staging',
        status: 'active',
        history: [
          [2, 35],
          [3, 11.8],
        ],
      },
    ],
  },
  {
    name: 'Pull request review',
    description: 'Gives every pull request a first review.',
    tags: ['ai', 'engineering'],
    traffic: { mode: 'trigger', perDay: 15, rhythm: 'office' },
    sigma: 0.55,
    faults: [
      {
        node: 'Claude',
        error: unavailable(503, 'Overloaded: the model is at capacity'),
        share: 0.02,
      },
      { node: 'Get diff', error: notFound('The diff'), share: 0.015 },
    ],
    versions: reviewVersions,
    deployments: [live('eu', reviewVersions)],
  },
  {
    name: 'Uptime check',
    description: 'Checks that the shop and the API respond.',
    tags: ['engineering', 'on-call', 'scheduled'],
    traffic: { mode: 'schedule', everyMinutes: 60 },
    branches: { 'Healthy?': [0.995, 0.005] },
    sigma: 0.5,
    faults: [{ node: 'API', error: timedOut(30_000), share: 0.006 }],
    versions: uptimeVersions,
    deployments: [live('us', uptimeVersions), { server: 'staging', status: 'tracking', history: [[1, 41]] }],
  },
  {
    name: 'Session cleanup',
    description: 'Deletes old sessions at night.',
    tags: ['engineering', 'scheduled'],
    traffic: { mode: 'schedule', atHours: [4], days: 'all' },
    faults: [{ node: 'Delete sessions', error: operationError('deadlock detected', 1100), share: 0.05 }],
    versions: cleanupVersions,
    deployments: [
      {
        server: 'eu',
        status: 'inactive',
        history: [
          [1, 51.9],
          [2, 18.9],
        ],
        endedDaysAgo: 4.2,
      },
    ],
  },
]
