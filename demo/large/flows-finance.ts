/** @module The demo's workflows for invoices and payments. */
import { connectionLost, duplicateKey, notFound, operationError, unavailable } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const invoiceVersions: DemoVersion[] = [
  {
    daysAgo: 60,
    prompt: 'Every half hour, copy new Stripe invoices into our database.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['Every half hour', n.schedule({ field: 'minutes', minutesInterval: 30 })],
        [
          'New invoices',
          n.http('GET', 'https://api.stripe.com/v1/invoices', { credential: 'httpHeaderAuth', ms: 620 }),
        ],
        ['Upsert invoices', n.upsert('invoices', 240)],
      ),
  },
  {
    daysAgo: 49,
    prompt: 'Fetch all pages, not just the first 100 invoices.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.tune('New invoices', {
        options: {
          timeout: 30_000,
          pagination: { pagination: { paginationMode: 'updateAParameterInEachRequest' } },
        },
      }),
  },
  {
    daysAgo: 40,
    prompt: 'Convert amounts to euros at the daily exchange rate.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .insert(
          'New invoices > Upsert invoices',
          'Rates',
          n.http('GET', 'https://rates.example/v1/latest', { ms: 160 }),
        )
        .insert('Rates > Upsert invoices', 'To euros', n.code('return $input.all().map(toEuros)', 35)),
  },
  {
    daysAgo: 32,
    prompt: null,
    model: null,
    make: (flow) => flow.tune('Upsert invoices', { options: { queryBatching: 'transaction' } }),
  },
  {
    daysAgo: 16,
    prompt: 'Tell #finance about invoices over ten thousand euros.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .add('Large?', n.filter('$json.euros', 'gt', 10_000), [5, 0])
        .add('Tell #finance', n.slack('#finance', '={{ $json.number }}'), [6, 0])
        .link('Upsert invoices > Large? > Tell #finance'),
  },
  {
    daysAgo: 7,
    prompt: 'Skip drafts.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.insert('New invoices > Rates', 'Finalized', n.filter('$json.status', 'notEquals', 'draft')),
  },
]

const failedPaymentVersions: DemoVersion[] = [
  {
    daysAgo: 55,
    prompt: 'When a payment fails, email the customer with a text that depends on the reason.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Payment failed', n.stripeTrigger('invoice.payment_failed')],
          ['Reason', n.choose('$json.data.object.reason', 'expired', 'declined', 'other')],
        )
        .add('Ask for new card', n.sendGrid('Your card has expired'), [2, -1])
        .add('Ask to try again', n.sendGrid('Your payment did not go through'), [2, 0])
        .add('Tell #finance', n.slack('#finance', '={{ $json.id }}'), [2, 1])
        .link('Reason > Ask for new card')
        .link('Reason:1 > Ask to try again')
        .link('Reason:2 > Tell #finance'),
  },
  {
    daysAgo: 37,
    prompt: 'Add a note to the customer in HubSpot.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .add('Note on customer', n.hubspot('engagement', 'create', { type: 'task' }), [3, -0.5])
        .link('Ask for new card > Note on customer')
        .link('Ask to try again > Note on customer'),
  },
  {
    daysAgo: 12,
    prompt: 'Send a text message if two emails had no effect.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .add('Third time?', n.filter('$json.attempt_count', 'gt', 2), [4, -0.5])
        .add('Text message', n.twilio('=Please update your card: {{ $json.link }}'), [5, -0.5])
        .link('Note on customer > Third time? > Text message'),
  },
]

const dunningVersions: DemoVersion[] = [
  {
    daysAgo: 56,
    prompt: 'Write reminders for invoices that are two weeks overdue.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['Weekdays', n.schedule({ field: 'cronExpression', expression: '0 9 * * 1-5' })],
        ['Overdue', n.postgres('select * from invoices where due < current_date - 14', 300)],
        ['Send reminder', n.sendGrid('A reminder')],
      ),
  },
  {
    daysAgo: 39,
    prompt: 'Send each customer at most one reminder a week.',
    model: 'gpt-5-mini',
    make: (flow) => flow.insert('Overdue > Send reminder', 'Not yet reminded', n.removeDuplicates()),
  },
]

export const financeFlows: DemoWorkflow[] = [
  {
    name: 'Invoice sync',
    description: 'Copies Stripe invoices into our database.',
    tags: ['finance', 'scheduled', 'sync'],
    traffic: { mode: 'schedule', everyMinutes: 30 },
    items: { 'New invoices': [0, 24], 'Large?': [0, 1] },
    sigma: 0.4,
    faults: [
      {
        node: 'Upsert invoices',
        error: connectionLost('Connection terminated due to connection timeout', 10_000),
        share: 0.016,
      },
      { node: 'Upsert invoices', error: duplicateKey('invoices_number_key'), share: 0.008, versions: [1, 3] },
      {
        node: 'Rates',
        error: unavailable(502, 'Bad gateway - the service failed to handle your request'),
        share: 0.004,
      },
    ],
    versions: invoiceVersions,
    deployments: [
      {
        ...live('eu', invoiceVersions),
        history: [
          [1, 59.9],
          [2, 48.9],
          [3, 39.9],
          [4, 31.9],
          [5, 15.9],
          [4, 15.7],
          [5, 13.1],
          [6, 6.8],
        ],
      },
      {
        server: 'staging',
        status: 'active',
        history: [
          [4, 30],
          [6, 7],
        ],
      },
    ],
  },
  {
    name: 'Payment failed follow-up',
    description: 'Emails customers whose payment failed.',
    tags: ['customer-facing', 'finance'],
    traffic: { mode: 'trigger', perDay: 12, rhythm: 'flat' },
    branches: { Reason: [0.5, 0.35, 0.15] },
    faults: [
      { node: 'Note on customer', error: notFound('The contact'), share: 0.04, versions: [2, 3] },
      {
        node: 'Text message',
        error: operationError("The 'To' number +49 is not a valid phone number", 300),
        share: 0.06,
        versions: [3, 3],
      },
    ],
    versions: failedPaymentVersions,
    deployments: [live('eu', failedPaymentVersions), live('us', failedPaymentVersions, [2])],
  },
  {
    name: 'Payment reminders',
    description: 'Sends reminders for overdue invoices. The new shop system does this now.',
    tags: ['finance', 'retired'],
    traffic: { mode: 'schedule', atHours: [9], days: 'weekdays' },
    items: { Overdue: [2, 14] },
    faults: [],
    versions: dunningVersions,
    deployments: [
      {
        server: 'eu',
        status: 'undeployed',
        history: [
          [1, 55.8],
          [2, 38.8],
        ],
        endedDaysAgo: 18.3,
      },
    ],
  },
]
