/** @module The demo's workflows for staff. */
import { modelFormat, notFound, operationError, unauthorized } from './faults.ts'
import * as n from './nodes.ts'
import { type DemoVersion, type DemoWorkflow, live } from './workflow.ts'

const screeningVersions: DemoVersion[] = [
  {
    daysAgo: 43,
    prompt: 'Read applications, compare them with the job description and create a page in Notion.',
    model: 'claude-opus-4-1',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Application', n.formTrigger('Work at Northwind', 'Name', 'Email', 'CV')],
          ['Read CV', n.fromFile('pdf')],
          [
            'Compare with job',
            n.agent('Compare the CV with the job. Facts only, no judgment of the person.'),
          ],
        )
        .add('Make page', n.notion('Applications', '={{ $json.name }}'), [4, 0])
        .link('Compare with job > Make page')
        .below('Compare with job', 'languageModel', 'Claude', n.claude('claude-opus-4-1', 8600))
        .below('Compare with job', 'outputParser', 'Fields', n.parser('{"years": 0, "skills": []}')),
  },
  {
    daysAgo: 26,
    prompt: 'Send the applicant a confirmation.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .add(
          'Confirm',
          n.gmail('send', {
            sendTo: '={{ $json.Email }}',
            subject: 'Thank you',
            message: 'We have received it.',
          }),
          [5, 0],
        )
        .link('Make page > Confirm'),
  },
  {
    daysAgo: 2.5,
    prompt: 'Do not show the model names, ages or photos.',
    model: 'gpt-5',
    make: (flow) =>
      flow.insert('Read CV > Compare with job', 'Anonymise', n.code('return anonymise($input.all())', 20)),
  },
]

const standupVersions: DemoVersion[] = [
  {
    daysAgo: 56,
    prompt: 'Ask every team in Slack for its plan, and save the answers in Notion.',
    model: 'gpt-5-mini',
    make: (flow) =>
      flow.line(
        [0, 0],
        ['Every hour', n.schedule({ field: 'hours', hoursInterval: 1 })],
        ['Teams', n.postgres('select * from teams where standup_at = $1', 18)],
        ['Post to channel', n.slack('={{ $json.channel }}', 'What is next?')],
        ['Keep answers', n.notion('Stand-ups', '={{ $json.team }}')],
      ),
  },
  {
    daysAgo: 23,
    prompt: 'Summarise the answers in two sentences.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .insert('Post to channel > Keep answers', 'Sum up', n.chain('=Two sentences: {{ $json }}'))
        .below('Sum up', 'languageModel', 'Claude', n.claude('claude-haiku-4-5', 1900)),
  },
]

const onboardingVersions: DemoVersion[] = [
  {
    daysAgo: 6,
    prompt: 'When someone is hired, create their accounts and send the welcome email.',
    model: 'claude-sonnet-4-5',
    make: (flow) =>
      flow
        .line(
          [0, 0],
          ['Hired', n.webhook('hired')],
          ['Contract signed?', n.when('$json.body.signed', 'equals', 'true')],
        )
        .add(
          'Make account',
          n.http('POST', 'https://directory.northwind.example/users', { credential: 'httpBasicAuth' }),
          [2, -0.5],
        )
        .add(
          'Welcome mail',
          n.gmail('send', {
            sendTo: '={{ $json.email }}',
            subject: 'Welcome',
            message: 'See you on Monday.',
          }),
          [3, -0.5],
        )
        .add('Remind', n.slack('#people', '={{ $json.body.name }}'), [2, 0.5])
        .link('Contract signed? > Make account > Welcome mail')
        .link('Contract signed?:1 > Remind'),
  },
]

export const peopleFlows: DemoWorkflow[] = [
  {
    name: 'Candidate screening',
    description: 'Screens applications against the job description.',
    tags: ['ai', 'people'],
    traffic: { mode: 'webhook', perDay: 9, rhythm: 'office' },
    faults: [
      { node: 'Read CV', error: operationError('Invalid PDF structure', 90), share: 0.05 },
      { node: 'Compare with job', error: modelFormat, share: 0.04, versions: [1, 2] },
    ],
    versions: screeningVersions,
    deployments: [
      {
        server: 'eu',
        status: 'failed',
        history: [
          [1, 42.8],
          [2, 25.9],
        ],
        step: 'credentials',
        error:
          'n8n rejected the credential "Careers mailbox" because its consent has expired. Sign in to it again in n8n',
      },
    ],
  },
  {
    name: 'Daily stand-up',
    description: 'Asks every team for its plan.',
    tags: ['people', 'scheduled'],
    traffic: { mode: 'schedule', everyMinutes: 60 },
    items: { Teams: [1, 5] },
    faults: [
      {
        node: 'Post to channel',
        error: unauthorized('Slack error response: "invalid_auth"'),
        share: 0.95,
        daysAgo: [0.3, 0],
      },
      { node: 'Keep answers', error: notFound('The database'), share: 0.01 },
    ],
    versions: standupVersions,
    deployments: [live('us', standupVersions)],
  },
  {
    name: 'New hire onboarding',
    description: 'Creates accounts and sends the welcome email.',
    tags: ['draft', 'people'],
    traffic: { mode: 'webhook', perDay: 0, rhythm: 'office' },
    faults: [],
    versions: onboardingVersions,
    deployments: [{ server: 'staging', status: 'pending', history: [[1, 0.04]] }],
  },
]
