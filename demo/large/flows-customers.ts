/** @module The demo's workflows about customers: refunds, reviews, churn. */
import { modelFormat, notFound, operationError } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const refundVersions: DemoVersion[] = [
  {
    daysAgo: 56,
    prompt:
      'Refund requests from the shop: refund amounts under 50 euros immediately, otherwise ask #refunds.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Refund request', n.webhook('refunds', 'responseNode')],
          ['Get charge', n.stripe('charge', 'get', { chargeId: '={{ $json.body.charge }}' })],
          ['Small amount?', n.when('$json.amount', 'lt', 5000)],
        )
        .add('Refund', n.stripe('charge', 'update', { chargeId: '={{ $json.id }}' }), [3, -0.5])
        .add('Ask finance', n.slack('#refunds', '=Refund {{ $json.amount }}?'), [3, 0.75])
        .add('Answer shop', n.respond('={{ $json }}'), [4, -0.5])
        .link('Small amount? > Refund > Answer shop')
        .link('Small amount?:1 > Ask finance'),
  },
  {
    daysAgo: 41,
    prompt: 'Wait for finance to reply, and refund once they approve.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow
        .add(
          'Wait for approval',
          n.wait({ resume: 'webhook', limitWaitTime: true, resumeAmount: 2, resumeUnit: 'days' }),
          [4, 0.75],
        )
        .add('Approved?', n.when('$json.body.approved', 'equals', 'true'), [5, 0.75])
        .link('Ask finance > Wait for approval > Approved?')
        .add(
          'Refund after approval',
          n.stripe('charge', 'update', { chargeId: '={{ $json.id }}' }),
          [6, 0.25],
        )
        .link('Approved? > Refund after approval'),
  },
  {
    daysAgo: 25,
    prompt: 'Email the customer the outcome.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .add('Mail refund', n.sendGrid('Your refund is on its way'), [7, 0.25])
        .add('Mail refusal', n.sendGrid('About your refund'), [7, 1.25])
        .link('Refund after approval > Mail refund')
        .link('Approved?:1 > Mail refusal'),
  },
]

const reviewVersions: DemoVersion[] = [
  {
    daysAgo: 47,
    prompt:
      'Rate the sentiment of every response to our Typeform survey, and post the unhappy ones to Slack.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Survey answered', n.typeformTrigger('nps2025')],
          ['Sentiment', n.sentiment('={{ $json.answer }}')],
        )
        .add('Log happy', n.sheets('append', 'Reviews'), [4, -0.5])
        .add('Tell the team', n.slack('#reviews', '={{ $json.answer }}'), [4, 0.75])
        .link('Sentiment > Log happy')
        .link('Sentiment:1 > Log happy')
        .link('Sentiment:2 > Tell the team')
        .below('Sentiment', 'languageModel', 'OpenAI model', n.openAi('gpt-5-mini', 1700)),
  },
  {
    daysAgo: 19,
    prompt: 'Add the unhappy ones to the sheet as well.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.add('Log unhappy', n.sheets('append', 'Reviews'), [5, 0.75]).link('Tell the team > Log unhappy'),
  },
]

const churnVersions: DemoVersion[] = [
  {
    daysAgo: 52,
    prompt:
      'Every morning, rate how likely each customer is to churn, based on logins, tickets and invoices.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['Every morning', n.schedule({ field: 'days', triggerAtHour: 6 })],
        ['Customers', n.postgres('select * from customer_activity', 2800)],
        ['Score', n.code('return $input.all().map(rate)', 240)],
        ['At risk', n.filter('$json.score', 'gt', 0.8)],
        ['Update HubSpot', n.hubspot('company', 'update', { companyId: n.byId('={{ $json.hubspot }}') })],
      ),
  },
  {
    daysAgo: 31,
    prompt: 'Send each account manager one line.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .add('Tell managers', n.slack('#accounts', '={{ $json.name }}'), [5, 0])
        .link('Update HubSpot > Tell managers'),
  },
  {
    daysAgo: 15,
    prompt: null,
    model: null,
    make: (flow) =>
      flow
        .tune('At risk', { options: { ignoreCase: true } })
        .tune('Score', { jsCode: 'return $input.all().map(rateByPlan)' }),
  },
]

export const customerFlows: DemoWorkflow[] = [
  {
    name: 'Refund requests',
    description: 'Issues small refunds immediately and asks finance about larger ones.',
    tags: ['finance', 'support'],
    traffic: { mode: 'webhook', perDay: 11, rhythm: 'shop' },
    branches: { 'Small amount?': [0.72, 0.28], 'Approved?': [0.85, 0.15] },
    faults: [{ node: 'Get charge', error: notFound('The charge'), share: 0.02 }],
    versions: refundVersions,
    deployments: [live('eu', refundVersions), { server: 'us', status: 'active', history: [[3, 24]] }],
  },
  {
    name: 'Review sentiment',
    description: 'Flags unhappy survey responses.',
    tags: ['ai', 'marketing'],
    traffic: { mode: 'trigger', perDay: 14, rhythm: 'shop' },
    branches: { Sentiment: [0.6, 0.22, 0.18] },
    faults: [
      { node: 'Sentiment', error: modelFormat, share: 0.03, versions: [1, 1] },
      { node: 'Log happy', error: operationError('The sheet "Reviews" has no column "answer"'), share: 0.01 },
    ],
    versions: reviewVersions,
    deployments: [live('us', reviewVersions)],
  },
  {
    name: 'Churn risk score',
    description: 'Scores churn risk every morning and alerts account managers.',
    tags: ['sales', 'scheduled'],
    traffic: { mode: 'schedule', atHours: [6], days: 'all' },
    items: { Customers: [1180, 1460], 'At risk': [6, 31] },
    faults: [
      {
        node: 'Customers',
        error: operationError('canceling statement due to statement timeout', 30_000),
        share: 0.05,
      },
    ],
    versions: churnVersions,
    deployments: [live('eu', churnVersions)],
  },
]
