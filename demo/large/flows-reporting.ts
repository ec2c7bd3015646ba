/** @module The demo's workflows that read and report figures. */
import { connectionLost, modelFormat, operationError, timedOut, unauthorized } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const receiptVersions: DemoVersion[] = [
  {
    daysAgo: 46,
    prompt: 'Copy receipts that staff email to receipts@northwind.example into the expenses sheet.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Receipt mailed', n.gmailTrigger('to:receipts@northwind.example has:attachment')],
          ['Read PDF', n.fromFile('pdf')],
          ['Read fields', n.extractor('={{ $json.text }}', 'date', 'vendor', 'total', 'currency')],
        )
        .add('Add to expenses', n.sheets('append', 'Expenses'), [4, 0])
        .link('Read fields > Add to expenses')
        .below('Read fields', 'languageModel', 'Claude', n.claude('claude-haiku-4-5', 2300)),
  },
  {
    daysAgo: 34,
    prompt: 'Reply to the email with the extracted fields.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .add(
          'Confirm',
          n.gmail('reply', { messageId: '={{ $json.id }}', message: '={{ $json.total }}' }),
          [5, 0],
        )
        .link('Add to expenses > Confirm'),
  },
  {
    daysAgo: 23,
    prompt: 'Ask a person when the total is missing.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .insert('Read fields > Add to expenses', 'Complete?', n.when('$json.total', 'gt', 0))
        .add('Ask a person', n.slack('#expenses', '={{ $json.vendor }}'), [5, 1])
        .link('Complete?:1 > Ask a person'),
  },
  {
    daysAgo: 4,
    prompt: 'Save the PDF to S3.',
    model: 'gpt-5',
    make: (flow) => flow.insert('Add to expenses > Confirm', 'Keep PDF', n.s3('northwind-receipts')),
  },
]

const digestVersions: DemoVersion[] = [
  {
    daysAgo: 51,
    prompt: 'Every morning, post yesterday’s revenue with a sentence about what stands out.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Every morning', n.schedule({ field: 'days', triggerAtHour: 7, triggerAtMinute: 30 })],
          ['Revenue', n.postgres('select day, sum(euros) from invoices group by 1', 900)],
          ['Write digest', n.chain('=What stands out? {{ $json }}')],
        )
        .add('Post digest', n.slack('#revenue', '={{ $json.text }}'), [4, 0])
        .link('Write digest > Post digest')
        .below('Write digest', 'languageModel', 'OpenAI model', n.openAi('gpt-5-mini', 4200)),
  },
  {
    daysAgo: 28,
    prompt: 'Compare it with the same weekday in the previous four weeks.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.insert('Revenue > Write digest', 'Compare', n.code('return compare($input.all())', 25)),
  },
  {
    daysAgo: 26,
    prompt: 'Round to thousands.',
    model: 'gpt-5-mini',
    make: (flow) => flow.tune('Compare', { jsCode: 'return compare($input.all(), { round: 1000 })' }),
  },
]

const exportVersions: DemoVersion[] = [
  {
    daysAgo: 59,
    prompt: 'Every night, write the orders of the day as CSV to S3, one file per country.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Every night', n.schedule({ field: 'days', triggerAtHour: 2 })],
          ['Orders', n.postgres('select * from orders where day = current_date - 1', 14_000)],
          ['By country', n.code('return byCountry($input.all())', 700)],
          ['Each country', n.loop(1)],
        )
        .add('To CSV', n.toFile(), [4, 0.75])
        .add('Upload', n.s3('northwind-exports'), [5, 0.75])
        .add('Tell #data', n.slack('#data', 'Export is done'), [4, -0.5])
        .link('Each country:1 > To CSV > Upload > Each country')
        .link('Each country > Tell #data'),
  },
  {
    daysAgo: 35,
    prompt: 'Add a checksum to the file name.',
    model: 'gpt-5',
    make: (flow) => flow.insert('To CSV > Upload', 'Checksum', n.code('return checksum($input.all())', 60)),
  },
]

export const reportingFlows: DemoWorkflow[] = [
  {
    name: 'Expense receipts',
    description: 'Copies emailed receipts into the expenses sheet.',
    tags: ['ai', 'finance'],
    traffic: { mode: 'trigger', perDay: 13, rhythm: 'office' },
    branches: { 'Complete?': [0.9, 0.1] },
    faults: [
      { node: 'Read fields', error: modelFormat, share: 0.05, versions: [1, 2] },
      { node: 'Read PDF', error: operationError('Invalid PDF structure', 90), share: 0.03 },
      {
        node: 'Add to expenses',
        error: unauthorized('invalid_grant: Token has been expired or revoked.'),
        share: 0.85,
        daysAgo: [19.5, 18.6],
      },
    ],
    versions: receiptVersions,
    deployments: [live('eu', receiptVersions)],
  },
  {
    name: 'Daily revenue digest',
    description: 'Posts yesterday’s revenue with highlights.',
    tags: ['ai', 'finance', 'scheduled'],
    traffic: { mode: 'schedule', atHours: [7], days: 'all' },
    items: { Revenue: [1, 1] },
    faults: [
      { node: 'Revenue', error: connectionLost('Connection terminated unexpectedly', 4000), share: 0.04 },
    ],
    versions: digestVersions,
    deployments: [live('eu', digestVersions, [2])],
  },
  {
    name: 'Nightly export',
    description: 'Exports the orders of each day as CSV, one file per country.',
    tags: ['data', 'finance', 'scheduled'],
    traffic: { mode: 'schedule', atHours: [2], days: 'all' },
    items: { Orders: [1900, 5200], 'By country': [9, 22] },
    loops: { 'Each country': [48, 96] },
    sigma: 0.25,
    faults: [
      { node: 'Orders', error: timedOut(300_000), share: 0.03 },
      {
        node: 'Upload',
        error: operationError('Please reduce your request rate. SlowDown', 2100),
        share: 0.04,
      },
    ],
    versions: exportVersions,
    deployments: [live('eu', exportVersions)],
  },
]
