/** @module The demo's workflows for the shop. */
import { operationError, tooManyRequests, unavailable, undefinedField } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const orderVersions: DemoVersion[] = [
  {
    daysAgo: 58,
    prompt: 'Create a HubSpot deal for the customer of every Shopify order.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['Order placed', n.shopifyTrigger('orders/create')],
        ['Map customer', n.code('const { email } = $json.customer\nreturn { email }', 12)],
        ['Upsert contact', n.hubspot('contact', 'upsert', { email: '={{ $json.email }}' })],
        ['Create deal', n.hubspot('deal', 'create', { stage: 'closedwon' })],
      ),
  },
  {
    daysAgo: 45,
    prompt: 'Tell #orders about orders over 500 euros.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .add('Large order?', n.when('$json.total', 'gt', 500), [4, 0])
        .add('Tell #orders', n.slack('#orders', '={{ $json.name }}'), [5, -0.5])
        .add('Nothing to tell', n.set({ told: 'no' }), [5, 0.5])
        .link('Create deal > Large order?')
        .link('Large order? > Tell #orders')
        .link('Large order?:1 > Nothing to tell'),
  },
  {
    daysAgo: 33,
    prompt: 'Save each order in our database before anything else.',
    model: 'claude-sonnet-4-5',
    make: (flow) => flow.insert('Order placed > Map customer', 'Save order', n.upsert('orders', 80)),
  },
  {
    daysAgo: 21,
    prompt: null,
    model: null,
    make: (flow) =>
      flow.tune('Map customer', {
        jsCode: 'const { email, phone } = $json.customer\nreturn { email, phone }',
      }),
  },
  {
    daysAgo: 3,
    prompt: 'Handle orders without a customer, such as in-store orders.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .insert(
          'Save order > Map customer',
          'Has customer?',
          n.filter('$json.source_name', 'notEquals', 'pos'),
        )
        .tune('Map customer', { jsCode: 'return { email: $json.customer?.email ?? null }' }),
  },
]

const stockVersions: DemoVersion[] = [
  {
    daysAgo: 57,
    prompt: 'Every hour, look for products that are almost sold out.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['Every hour', n.schedule({ field: 'hours', hoursInterval: 1 })],
        ['Products', n.shopify('product', 'getAll', { returnAll: true })],
        ['Nearly sold out', n.filter('$json.inventory', 'lt', 10)],
        ['Tell #stock', n.slack('#stock', '={{ $json.title }}')],
      ),
  },
  {
    daysAgo: 26,
    prompt: 'Report each product at most once a day.',
    model: 'claude-sonnet-4-5',
    make: (flow) => flow.insert('Nearly sold out > Tell #stock', 'Not told today', n.removeDuplicates()),
  },
]

const shippingVersions: DemoVersion[] = [
  {
    daysAgo: 53,
    prompt: 'Save parcel updates from our carriers, and send a text message when a parcel is delivered.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Parcel moved', n.webhook('parcels')],
          ['Carrier', n.choose('$json.body.carrier', 'dhl', 'ups', 'post')],
        )
        .add('Read DHL', n.set({ state: '={{ $json.body.status.code }}' }), [2, -1])
        .add('Read UPS', n.set({ state: '={{ $json.body.activity }}' }), [2, 0])
        .add('Read Post', n.set({ state: '={{ $json.body.ev }}' }), [2, 1])
        .link('Carrier > Read DHL')
        .link('Carrier:1 > Read UPS')
        .link('Carrier:2 > Read Post')
        .add('Save state', n.upsert('parcels', 45), [3, 0])
        .link('Read DHL > Save state')
        .link('Read UPS > Save state')
        .link('Read Post > Save state'),
  },
  {
    daysAgo: 42,
    prompt: 'Text the customer when it is delivered.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .add('Delivered?', n.filter('$json.state', 'equals', 'delivered'), [4, 0])
        .add('Text message', n.twilio('Your parcel has arrived.'), [5, 0])
        .link('Save state > Delivered? > Text message'),
  },
  {
    daysAgo: 14,
    prompt: 'Ask the carrier again if the status is unknown.',
    model: 'gpt-5',
    make: (flow) =>
      flow.insert(
        'Carrier > Read DHL',
        'Ask DHL',
        n.http('GET', 'https://api.dhl.example/track/shipments', { credential: 'httpHeaderAuth', ms: 720 }),
      ),
  },
]

export const shopFlows: DemoWorkflow[] = [
  {
    name: 'Shopify orders to HubSpot',
    description: 'Turns every order into a deal.',
    tags: ['sales', 'shop', 'sync'],
    traffic: { mode: 'trigger', perDay: 52, rhythm: 'shop' },
    branches: { 'Large order?': [0.15, 0.85] },
    faults: [
      { node: 'Map customer', error: undefinedField('email', 1), share: 0.045, versions: [1, 4] },
      { node: 'Upsert contact', error: tooManyRequests('HubSpot'), share: 0.009 },
    ],
    versions: orderVersions,
    deployments: [
      live('us', orderVersions, [5]),
      {
        server: 'eu',
        status: 'active',
        history: [
          [3, 31],
          [4, 20],
          [5, 2.9],
        ],
      },
    ],
  },
  {
    name: 'Stock alerts',
    description: 'Warns before a product sells out.',
    tags: ['scheduled', 'shop'],
    traffic: { mode: 'schedule', everyMinutes: 60 },
    items: { Products: [412, 431], 'Nearly sold out': [0, 9], 'Not told today': [0, 2] },
    faults: [{ node: 'Products', error: tooManyRequests('Shopify'), share: 0.012 }],
    versions: stockVersions,
    deployments: [live('us', stockVersions)],
  },
  {
    name: 'Shipping updates',
    description: 'Tracks every parcel.',
    tags: ['customer-facing', 'shop'],
    traffic: { mode: 'webhook', perDay: 49, rhythm: 'shop' },
    branches: { Carrier: [0.55, 0.3, 0.15] },
    items: { 'Delivered?': [0, 1] },
    faults: [
      {
        node: 'Ask DHL',
        error: unavailable(503, 'Service unavailable: the tracking system is under maintenance'),
        share: 0.05,
        versions: [3, 3],
      },
      {
        node: 'Text message',
        error: operationError("The 'To' number +43 is not a valid phone number", 280),
        share: 0.006,
      },
    ],
    versions: shippingVersions,
    deployments: [live('eu', shippingVersions)],
  },
]
