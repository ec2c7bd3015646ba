/** @module The demo's n8n servers and credentials. All secrets are fake. */
import type { NewCredential } from '../../src/credentials/contract.ts'
import type { InstanceTest } from '../../src/instances/contract.ts'
import { Random } from './random.ts'
import type { Server } from './workflow.ts'

export interface DemoServer {
  key: Server
  name: string
  baseUrl: string
  test: Omit<InstanceTest, 'testedAt'>
  /** Seconds since the last complete poll. */
  lagSeconds: number
  pollFailures: number
}

export const servers: DemoServer[] = [
  {
    key: 'eu',
    name: 'prod-eu-1',
    baseUrl: 'https://n8n-eu.northwind.example',
    test: {
      status: 'ok',
      detail: null,
      n8nVersion: '2.1 or later',
      generation: 'current',
      cannot: [],
    },
    lagSeconds: 14,
    pollFailures: 0,
  },
  {
    key: 'us',
    name: 'prod-us-1',
    baseUrl: 'https://n8n-us.northwind.example',
    test: {
      status: 'limited',
      detail: 'n8n 1.x or 2.0 does not support every feature',
      n8nVersion: '1.x or 2.0',
      generation: 'legacy',
      cannot: [
        'Rolling back without a new upload: this n8n version cannot publish an earlier version.',
        'Testing credentials and listing existing ones: this n8n version has no endpoints for these.',
      ],
    },
    lagSeconds: 47,
    pollFailures: 0,
  },
  {
    key: 'staging',
    name: 'staging',
    baseUrl: 'https://n8n-staging.northwind.example',
    test: {
      status: 'unreachable',
      detail: 'The n8n server did not respond in time. Try again',
      n8nVersion: '2.1 or later',
      generation: 'current',
      cannot: [],
    },
    lagSeconds: 3.2 * 3600,
    pollFailures: 38,
  },
]

export interface DemoCredential {
  type: string
  name: string
  data: Record<string, unknown>
  madeDaysAgo: number
  /** Absent if never tested. */
  checked?: { hoursAgo: number; error?: string }
  /** The workflows that use it, if others use another credential of its type. */
  only?: string[]
}

const random = new Random('credentials')
const secret = (prefix: string, chars = 32) => `${prefix}${random.hex(chars)}`
const oauth = (clientId: string) => ({
  clientId,
  clientSecret: secret('GOCSPX-', 24),
  oauthTokenData: {
    access_token: secret('ya29.', 40),
    refresh_token: secret('1//', 40),
    token_type: 'Bearer',
  },
})
const google = (project: string) => oauth(`${project}.apps.googleusercontent.com`)

export const credentials: DemoCredential[] = [
  {
    type: 'gmailOAuth2',
    name: 'support@northwind.example',
    data: google('408731-support'),
    madeDaysAgo: 60.3,
    checked: { hoursAgo: 0.4 },
  },
  {
    type: 'gmailOAuth2',
    name: 'Careers mailbox',
    data: google('408731-careers'),
    madeDaysAgo: 44,
    checked: { hoursAgo: 57, error: 'invalid_grant: Token has been expired or revoked.' },
    only: ['Candidate screening'],
  },
  {
    type: 'openAiApi',
    name: 'OpenAI team key',
    data: { apiKey: secret('sk-proj-', 40) },
    madeDaysAgo: 60.3,
    checked: { hoursAgo: 0.2 },
  },
  {
    type: 'anthropicApi',
    name: 'Anthropic agents',
    data: { apiKey: secret('sk-ant-', 40) },
    madeDaysAgo: 58,
    checked: { hoursAgo: 1.1 },
  },
  {
    type: 'postgres',
    name: 'CRM read-write',
    data: {
      host: 'crm.db.northwind.example',
      port: 5432,
      database: 'crm',
      user: 'flowkeep',
      password: secret(''),
      ssl: 'require',
    },
    madeDaysAgo: 60.3,
    checked: { hoursAgo: 0.6 },
  },
  {
    type: 'postgres',
    name: 'Reporting replica',
    data: {
      host: 'replica.db.northwind.example',
      port: 5432,
      database: 'crm',
      user: 'reports',
      password: secret(''),
      ssl: 'require',
    },
    madeDaysAgo: 59.5,
    checked: { hoursAgo: 5 },
    only: ['Daily revenue digest', 'Nightly export', 'Churn risk score'],
  },
  {
    type: 'slackApi',
    name: 'Slack ops-bot',
    data: { accessToken: secret('xoxb-', 36) },
    madeDaysAgo: 60.3,
    checked: { hoursAgo: 0.3 },
  },
  {
    type: 'slackApi',
    name: 'Slack stand-up bot',
    data: { accessToken: secret('xoxb-', 36) },
    madeDaysAgo: 56,
    checked: { hoursAgo: 6.8, error: 'The service responded with 401 to node "Post to channel"' },
    only: ['Daily stand-up'],
  },
  {
    type: 'linearApi',
    name: 'Linear (triage)',
    data: { apiKey: secret('lin_api_', 40) },
    madeDaysAgo: 18,
    checked: { hoursAgo: 1.6, error: 'The service responded with 403 to node "Linear issue"' },
  },
  {
    type: 'hubspotAppToken',
    name: 'HubSpot private app',
    data: { appToken: secret('pat-eu1-', 36) },
    madeDaysAgo: 60.3,
    checked: { hoursAgo: 2 },
  },
  {
    type: 'stripeApi',
    name: 'Stripe restricted',
    data: { secretKey: secret('rk_live_', 40) },
    madeDaysAgo: 57,
    checked: { hoursAgo: 9 },
  },
  {
    type: 'shopifyAccessTokenApi',
    name: 'Shopify store',
    data: { shopSubdomain: 'northwind', accessToken: secret('shpat_'), appSecretKey: secret('shpss_') },
    madeDaysAgo: 58,
    checked: { hoursAgo: 3.4 },
  },
  {
    type: 'githubApi',
    name: 'GitHub bot',
    data: { server: 'https://api.github.com', user: 'northwind-bot', accessToken: secret('ghp_', 36) },
    madeDaysAgo: 54,
    checked: { hoursAgo: 12 },
  },
  {
    type: 'googleSheetsOAuth2Api',
    name: 'Google Sheets finance',
    data: google('408731-sheets'),
    madeDaysAgo: 47,
    checked: { hoursAgo: 20 },
  },
  {
    type: 'notionApi',
    name: 'Notion wiki',
    data: { apiKey: secret('ntn_', 44) },
    madeDaysAgo: 56,
    checked: { hoursAgo: 1 },
  },
  {
    type: 'zendeskApi',
    name: 'Zendesk agents',
    data: { subdomain: 'northwind', email: 'bot@northwind.example', apiToken: secret('', 40) },
    madeDaysAgo: 55,
    checked: { hoursAgo: 4 },
  },
  {
    type: 'sendGridApi',
    name: 'SendGrid mail',
    data: { apiKey: secret('SG.', 48) },
    madeDaysAgo: 56.5,
    checked: { hoursAgo: 26 },
  },
  {
    type: 'twilioApi',
    name: 'Twilio messages',
    data: { authType: 'authToken', accountSid: secret('AC'), authToken: secret('') },
    madeDaysAgo: 43,
    checked: { hoursAgo: 31 },
  },
  {
    type: 'aws',
    name: 'Exports bucket',
    data: { region: 'eu-central-1', accessKeyId: secret('AKIA', 16), secretAccessKey: secret('', 40) },
    madeDaysAgo: 59.4,
    checked: { hoursAgo: 9 },
  },
  {
    type: 'pagerDutyApi',
    name: 'PagerDuty',
    data: { apiToken: secret('u+', 20) },
    madeDaysAgo: 59,
    checked: { hoursAgo: 48 },
  },
  {
    type: 'telegramApi',
    name: 'Uptime bot',
    data: { accessToken: `7130442:${secret('AA', 33)}` },
    madeDaysAgo: 60.3,
  },
  {
    type: 'typeformApi',
    name: 'Typeform surveys',
    data: { accessToken: secret('tfp_', 44) },
    madeDaysAgo: 47,
    checked: { hoursAgo: 70 },
  },
  {
    type: 'airtableTokenApi',
    name: 'Airtable products',
    data: { accessToken: secret('pat', 60) },
    madeDaysAgo: 44,
    checked: { hoursAgo: 11 },
  },
  {
    type: 'qdrantApi',
    name: 'Qdrant search',
    data: { qdrantUrl: 'https://qdrant.northwind.example', apiKey: secret('') },
    madeDaysAgo: 57,
    checked: { hoursAgo: 0.8 },
  },
  {
    type: 'httpHeaderAuth',
    name: 'Internal services',
    data: { name: 'X-Service-Key', value: secret('') },
    madeDaysAgo: 60.3,
  },
  {
    type: 'redis',
    name: 'Session cache',
    data: { host: 'cache.northwind.example', port: 6379, password: secret('') },
    madeDaysAgo: 52,
  },
  {
    type: 'smtp',
    name: 'Old mail server',
    data: { host: 'mail.northwind.example', port: 465, user: 'noreply', password: secret('', 20) },
    madeDaysAgo: 50,
    checked: { hoursAgo: 900, error: 'getaddrinfo ENOTFOUND mail.northwind.example' },
  },
]

export const credentialInput = ({ type, name, data }: DemoCredential): NewCredential => ({ type, name, data })

/** The credential of a type that a workflow uses. */
export function credentialFor(workflowName: string, type: string): DemoCredential | undefined {
  const ofType = credentials.filter((credential) => credential.type === type)
  return (
    ofType.find(({ only }) => only?.includes(workflowName)) ?? ofType.find(({ only }) => only === undefined)
  )
}
