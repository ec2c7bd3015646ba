/** @module The demo's workflows for products and returns. */
import { badRequest, notFound, rateLimited } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const returnsVersions: DemoVersion[] = [
  {
    daysAgo: 50,
    prompt: 'Let the returns page check whether an order can be returned, and create a label if so.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Return asked', n.webhook('returns', 'responseNode')],
          ['Find order', n.postgres('select * from orders where number = $1', 40)],
          ['In time?', n.when('$json.days', 'lt', 31)],
        )
        .add(
          'Make label',
          n.http('POST', 'https://api.dhl.example/labels', { credential: 'httpHeaderAuth', ms: 1300 }),
          [3, -0.5],
        )
        .add('Send label', n.respond('={{ $json.label }}'), [4, -0.5])
        .add('Refuse', n.respond('{"refused": "too late"}'), [3, 0.5])
        .link('In time? > Make label > Send label')
        .link('In time?:1 > Refuse'),
  },
  {
    daysAgo: 29,
    prompt: 'Save every label.',
    model: 'gpt-5',
    make: (flow) => flow.insert('Make label > Send label', 'Save label', n.upsert('labels', 60)),
  },
]

const descriptionVersions: DemoVersion[] = [
  {
    daysAgo: 44,
    prompt: 'Write a description for each product in Airtable that has none.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Twice a day', n.schedule({ field: 'hours', hoursInterval: 12 })],
          ['Without text', n.airtable('search', 'Products')],
          ['Each product', n.loop(1)],
        )
        .add('Write text', n.chain('=Describe in three sentences: {{ $json }}'), [3, 0.75])
        .add('Save text', n.airtable('update', 'Products'), [5, 0.75])
        .add('Tell marketing', n.slack('#marketing', 'New texts'), [3, -0.5])
        .link('Each product:1 > Write text > Save text > Each product')
        .link('Each product > Tell marketing')
        .below('Write text', 'languageModel', 'Claude', n.claude('claude-sonnet-4-5', 3600)),
  },
  {
    daysAgo: 30,
    prompt: 'In German and English.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow
        .tune('Write text', { text: '=Describe in German and English, three sentences each: {{ $json }}' })
        .below('Write text', 'outputParser', 'Two languages', n.parser('{"de": "", "en": ""}')),
  },
  {
    daysAgo: 13,
    prompt: 'Add new descriptions to the search index.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .add('Index text', n.store('products'), [6, 0.75])
        .unlink('Save text > Each product')
        .link('Save text > Index text > Each product')
        .below('Index text', 'embedding', 'Embeddings', n.embeddings())
        .below('Index text', 'document', 'Loader', n.loader()),
  },
]

const auditVersions: DemoVersion[] = [
  {
    daysAgo: 25,
    prompt: 'Every night, compare the prices in Shopify with those in our database.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['At three', n.schedule({ field: 'days', triggerAtHour: 3 })],
          ['Shop prices', n.shopify('product', 'getAll', { returnAll: true })],
          ['Both', n.merge()],
          ['Differ', n.filter('$json.price', 'notEquals', '={{ $json.own }}')],
          ['List', n.sheets('append', 'Prices')],
        )
        .add('Own prices', n.postgres('select sku, price from products', 120), [1, 1])
        .link('At three > Own prices > Both@1'),
  },
  {
    daysAgo: 1.2,
    prompt: 'Update the price in Shopify right away.',
    model: 'gpt-5',
    make: (flow) =>
      flow.insert(
        'Differ > List',
        'Set price',
        n.shopify('product', 'update', { productId: '={{ $json.id }}' }),
      ),
  },
]

export const productFlows: DemoWorkflow[] = [
  {
    name: 'Returns desk',
    description: 'Approves returns and creates shipping labels.',
    tags: ['customer-facing', 'shop'],
    traffic: { mode: 'webhook', perDay: 12, rhythm: 'shop' },
    branches: { 'In time?': [0.9, 0.1] },
    faults: [
      { node: 'Find order', error: notFound('The order'), share: 0.02 },
      { node: 'Make label', error: badRequest('The postal code does not match the country'), share: 0.03 },
    ],
    versions: returnsVersions,
    deployments: [
      live('eu', returnsVersions),
      {
        server: 'us',
        status: 'failed',
        history: [[2, 27]],
        step: 'verify',
        error:
          'n8n published the workflow, but none of its triggers started within 10 s. Check their parameters, such as a cron expression',
      },
    ],
  },
  {
    name: 'Product descriptions',
    description: 'Writes descriptions for products without one.',
    tags: ['ai', 'marketing', 'shop'],
    traffic: { mode: 'schedule', everyMinutes: 720 },
    items: { 'Without text': [3, 12] },
    loops: { 'Each product': [3, 12] },
    sigma: 0.3,
    faults: [{ node: 'Claude', error: rateLimited('claude-sonnet-4-5'), share: 0.08 }],
    versions: descriptionVersions,
    deployments: [
      live('eu', descriptionVersions),
      {
        server: 'staging',
        status: 'active',
        history: [
          [2, 29],
          [3, 12],
        ],
      },
    ],
  },
  {
    name: 'Price check',
    description: 'Compares shop prices with our own.',
    tags: ['scheduled', 'shop', 'sync'],
    traffic: { mode: 'schedule', atHours: [3], days: 'all' },
    items: { 'Shop prices': [412, 431], 'Own prices': [420, 440], Differ: [0, 6] },
    faults: [],
    versions: auditVersions,
    deployments: [{ server: 'us', status: 'deploying', history: [[1, 24.9]], step: 'workflow-update' }],
  },
]
