/** @module The demo's workflows for sales and marketing. */
import {
  badRequest,
  modelFormat,
  notFound,
  notJson,
  rateLimited,
  timedOut,
  tooManyRequests,
} from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const enrichmentVersions: DemoVersion[] = [
  {
    daysAgo: 59,
    prompt: 'When a lead signs up, find out what the company does and add it to HubSpot.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['New lead', n.webhook('leads')],
          ['Fetch website', n.http('GET', '=https://{{ $json.body.domain }}', { ms: 900 })],
          ['Enrich company', n.extractor('={{ $json.data }}', 'industry', 'employees', 'country')],
        )
        .add(
          'Update company',
          n.hubspot('company', 'update', { companyId: n.byId('={{ $json.id }}') }),
          [4, 0],
        )
        .link('Enrich company > Update company')
        .below('Enrich company', 'languageModel', 'OpenAI model', n.openAi('gpt-5-mini', 3100)),
  },
  {
    daysAgo: 50,
    prompt: 'Skip free email domains such as gmail.com.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.insert(
        'New lead > Fetch website',
        'Business domain?',
        n.filter('$json.body.domain', 'notContains', 'gmail'),
      ),
  },
  {
    daysAgo: 42,
    prompt: 'Tell #leads about companies with more than 200 employees.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .add('Large?', n.when('$json.employees', 'gt', 200), [6, 0])
        .link('Update company > Large?')
        .add('Tell #leads', n.slack('#leads', '={{ $json.name }}'), [7, -0.5])
        .add('Done', n.set({ state: 'enriched' }), [7, 0.5])
        .link('Large? > Tell #leads')
        .link('Large?:1 > Done'),
  },
  {
    daysAgo: 30,
    prompt: 'Query the company register too, and merge the results.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .insert('Fetch website > Enrich company', 'Both', n.merge())
        .add(
          'Company register',
          n.http('GET', 'https://register.example/api/companies', { credential: 'httpHeaderAuth', ms: 640 }),
          [2, 1],
        )
        .link('Business domain? > Company register > Both@1'),
  },
  {
    daysAgo: 18,
    prompt: null,
    model: null,
    make: (flow) =>
      flow.tune('Fetch website', {
        options: { timeout: 10_000, redirect: { redirect: { maxRedirects: 3 } } },
      }),
  },
  {
    daysAgo: 6,
    prompt: 'Ask for the exact fields as JSON; the model left some out.',
    model: 'gpt-5',
    make: (flow) =>
      flow.tune('Enrich company', {
        options: { systemPromptTemplate: 'Answer with every field. Use null when the text does not say.' },
      }),
  },
]

const inboundVersions: DemoVersion[] = [
  {
    daysAgo: 54,
    prompt: 'A demo request form that creates a deal in HubSpot.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['Demo form', n.formTrigger('Book a demo', 'Name', 'Company', 'Email')],
        ['Create contact', n.hubspot('contact', 'upsert', { email: '={{ $json.Email }}' })],
        ['Create deal', n.hubspot('deal', 'create', { stage: 'appointmentscheduled' })],
      ),
  },
  {
    daysAgo: 27,
    prompt: 'Reply by email with a link to our calendar.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .add('Mail calendar link', n.sendGrid('Your demo'), [4, 0])
        .link('Create deal > Mail calendar link'),
  },
  {
    daysAgo: 10,
    prompt: 'Assign deals to the person on duty.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow.insert(
        'Create contact > Create deal',
        'On duty',
        n.http('GET', 'https://rota.northwind.example/today', { credential: 'httpHeaderAuth', ms: 180 }),
      ),
  },
]

const meetingVersions: DemoVersion[] = [
  {
    daysAgo: 45,
    prompt: 'On weekdays at seven, write a page about each customer I meet today.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Weekdays at seven', n.schedule({ field: 'cronExpression', expression: '0 7 * * 1-5' })],
          [
            'Meetings today',
            n.http('GET', 'https://calendar.example/api/events', { credential: 'httpHeaderAuth', ms: 350 }),
          ],
          ['Research agent', n.agent('Write half a page about the company and its last orders.')],
        )
        .add('Save page', n.notion('Meetings', '={{ $json.company }}'), [4, 0])
        .link('Research agent > Save page')
        .below('Research agent', 'languageModel', 'Claude', n.claude('claude-opus-4-1', 9400))
        .below(
          'Research agent',
          'tool',
          'Orders',
          n.httpTool('Orders of a customer', 'https://api.northwind.example/orders'),
        ),
  },
  {
    daysAgo: 21,
    prompt: 'Send me the pages in Slack as well.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow.add('Send page', n.slack('@maya', '={{ $json.url }}'), [5, 0]).link('Save page > Send page'),
  },
  {
    daysAgo: 9,
    prompt: 'Use a smaller model. The pages are ready too late.',
    model: 'claude-sonnet-4-5',
    make: (flow) => flow.change('Claude', n.claude('claude-sonnet-4-5', 5200)),
  },
]

const dealVersions: DemoVersion[] = [
  {
    daysAgo: 48,
    prompt: 'Tell sales about every deal that moves: won in #wins, lost in #lost, others in #pipeline.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Deal moved', n.webhook('deal-moved')],
          ['Stage', n.choose('$json.body.stage', 'won', 'lost', 'open')],
        )
        .add('Celebrate', n.slack('#wins', '={{ $json.body.name }}'), [2, -1])
        .add('Note loss', n.slack('#lost', '={{ $json.body.name }}'), [2, 0])
        .add('Tell pipeline', n.slack('#pipeline', '={{ $json.body.name }}'), [2, 1])
        .link('Stage > Celebrate')
        .link('Stage:1 > Note loss')
        .link('Stage:2 > Tell pipeline'),
  },
  {
    daysAgo: 14,
    prompt: 'Write won deals to the forecast sheet.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.add('Forecast', n.sheets('appendOrUpdate', 'Forecast'), [3, -1]).link('Celebrate > Forecast'),
  },
]

const newsletterVersions: DemoVersion[] = [
  {
    daysAgo: 5,
    prompt: 'Draft a newsletter from the three most-read articles of the week.',
    model: 'gpt-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Thursdays', n.schedule({ field: 'weeks', triggerAtDay: [4], triggerAtHour: 9 })],
          ['Articles', n.http('GET', 'https://northwind.example/feed.json')],
          ['Draft', n.chain('=Write a newsletter: {{ $json }}')],
        )
        .add(
          'Send draft',
          n.gmail('send', {
            sendTo: 'marketing@northwind.example',
            subject: '={{ $json.output.subject }}',
            message: '={{ $json.output.sections }}',
          }),
          [4, 0],
        )
        .link('Draft > Send draft')
        .below('Draft', 'languageModel', 'OpenAI model', n.openAi('gpt-5'))
        .below('Draft', 'outputParser', 'Sections', n.parser('{"subject": "", "sections": []}')),
  },
  {
    daysAgo: 2,
    prompt: 'Make it shorter, with a picture for each article.',
    model: 'gpt-5',
    make: (flow) => flow.tune('Draft', { text: '=Write a newsletter of at most 200 words: {{ $json }}' }),
  },
]

export const salesFlows: DemoWorkflow[] = [
  {
    name: 'Lead enrichment',
    description: 'Researches new leads and adds them to HubSpot.',
    tags: ['ai', 'sales'],
    traffic: { mode: 'webhook', perDay: 58, rhythm: 'office' },
    branches: { 'Large?': [0.3, 0.7] },
    sigma: 0.5,
    faults: [
      { node: 'OpenAI model', error: rateLimited('gpt-5-mini'), share: 0.045 },
      { node: 'OpenAI model', error: rateLimited('gpt-5-mini'), share: 0.5, daysAgo: [0.22, 0.16] },
      { node: 'Fetch website', error: timedOut(10_000), share: 0.02, versions: [5, 6] },
      { node: 'Enrich company', error: modelFormat, share: 0.03, versions: [3, 5] },
      { node: 'Company register', error: tooManyRequests('register.example'), share: 0.02, versions: [4, 6] },
    ],
    versions: enrichmentVersions,
    deployments: [
      {
        ...live('eu', enrichmentVersions),
        history: [
          [1, 58.9],
          [2, 49.9],
          [3, 41.8],
          [4, 29.9],
          [3, 29.1],
          [4, 27.2],
          [5, 17.9],
          [6, 5.9],
        ],
      },
      {
        server: 'us',
        status: 'active',
        history: [
          [4, 26],
          [5, 15],
        ],
      },
      {
        server: 'staging',
        status: 'inactive',
        history: [
          [5, 18],
          [6, 6],
        ],
        endedDaysAgo: 1.1,
      },
    ],
  },
  {
    name: 'Inbound demo requests',
    description: 'Turns demo requests into contacts and deals.',
    tags: ['customer-facing', 'sales'],
    traffic: { mode: 'webhook', perDay: 19, rhythm: 'office' },
    faults: [
      { node: 'Create contact', error: badRequest('Property values were not valid: email'), share: 0.025 },
    ],
    versions: inboundVersions,
    deployments: [live('eu', inboundVersions), live('us', inboundVersions, [1])],
  },
  {
    name: 'Meeting prep',
    description: 'Writes a half-page brief on everyone we meet today.',
    tags: ['ai', 'sales', 'scheduled'],
    traffic: { mode: 'schedule', atHours: [7], days: 'weekdays' },
    items: { 'Meetings today': [1, 7] },
    sigma: 0.5,
    faults: [{ node: 'Claude', error: rateLimited('claude-opus-4-1'), share: 0.12, versions: [1, 2] }],
    versions: meetingVersions,
    deployments: [live('eu', meetingVersions)],
  },
  {
    name: 'Deal desk alerts',
    description: 'Notifies sales when a deal changes stage.',
    tags: ['sales'],
    traffic: { mode: 'webhook', perDay: 17, rhythm: 'office' },
    branches: { Stage: [0.2, 0.15, 0.65] },
    faults: [{ node: 'Forecast', error: notFound('The sheet'), share: 0.02, versions: [2, 2] }],
    versions: dealVersions,
    deployments: [live('us', dealVersions)],
  },
  {
    name: 'Newsletter drafts',
    description: 'Drafts the weekly newsletter.',
    tags: ['ai', 'draft', 'marketing'],
    traffic: { mode: 'schedule', atHours: [], days: 'all' },
    faults: [{ node: 'Articles', error: notJson(), share: 0.1 }],
    versions: newsletterVersions,
    deployments: [],
  },
]
