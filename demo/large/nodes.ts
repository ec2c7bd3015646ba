/** @module The node types of the demo's workflows: real n8n types with plausible parameters. */
import { uuidOf } from './random.ts'

export type Json = Record<string, unknown>

export interface Kind {
  type: string
  typeVersion: number
  parameters: Json
  /** Its credential type. */
  credential?: string
  /** Median duration of one run. */
  ms: number
  /** Number of outputs. With more than one, the node branches. */
  outputs?: number
  /** Runs the nodes after its second output once per batch. */
  isLoop?: boolean
}

const base = (
  name: string,
  typeVersion: number,
  ms: number,
  parameters: Json,
  credential?: string,
  more: Partial<Kind> = {},
): Kind => ({
  type: `n8n-nodes-base.${name}`,
  typeVersion,
  ms,
  parameters,
  ...(credential !== undefined && { credential }),
  ...more,
})

const ai = (name: string, typeVersion: number, ms: number, parameters: Json, credential?: string): Kind => ({
  ...base(name, typeVersion, ms, parameters, credential),
  type: `@n8n/n8n-nodes-langchain.${name}`,
})

const listed = (value: string, mode = 'list') => ({ __rl: true, value, mode })
export const byId = (id: string) => listed(id, 'id')

// Triggers
export const webhook = (path: string, responseMode = 'onReceived') =>
  base('webhook', 2.1, 3, { httpMethod: 'POST', path, responseMode, options: {} })
export const schedule = (interval: Json) =>
  base('scheduleTrigger', 1.3, 2, { rule: { interval: [interval] } })
export const gmailTrigger = (query: string) =>
  base(
    'gmailTrigger',
    1.3,
    190,
    { pollTimes: { item: [{ mode: 'everyMinute' }] }, simple: false, filters: { q: query }, options: {} },
    'gmailOAuth2',
  )
export const stripeTrigger = (...events: string[]) => base('stripeTrigger', 1, 4, { events }, 'stripeApi')
export const shopifyTrigger = (topic: string) =>
  base('shopifyTrigger', 1, 4, { authentication: 'accessToken', topic }, 'shopifyAccessTokenApi')
export const githubTrigger = (repository: string, ...events: string[]) =>
  base(
    'githubTrigger',
    1,
    4,
    { owner: listed('northwind'), repository: listed(repository), events, options: {} },
    'githubApi',
  )
export const typeformTrigger = (formId: string) =>
  base('typeformTrigger', 1.1, 5, { authentication: 'accessToken', formId }, 'typeformApi')
export const chatTrigger = () => ai('chatTrigger', 1.3, 3, { public: true, options: {} })
export const formTrigger = (formTitle: string, ...labels: string[]) =>
  base('formTrigger', 2.3, 5, {
    formTitle,
    formFields: { values: labels.map((fieldLabel) => ({ fieldLabel, requiredField: true })) },
    options: {},
  })

// Logic
const condition = (left: string, operation: string, right: unknown) => ({
  id: uuidOf(`${left} ${operation} ${String(right)}`),
  leftValue: `={{ ${left} }}`,
  rightValue: right,
  operator: { type: typeof right === 'number' ? 'number' : 'string', operation },
})
const conditions = (left: string, operation: string, right: unknown) => ({
  options: { caseSensitive: true, leftValue: '', typeValidation: 'loose', version: 2 },
  conditions: [condition(left, operation, right)],
  combinator: 'and',
})
export const when = (left: string, operation: string, right: unknown) =>
  base('if', 2.2, 2, { conditions: conditions(left, operation, right), options: {} }, undefined, {
    outputs: 2,
  })
export const filter = (left: string, operation: string, right: unknown) =>
  base('filter', 2.2, 3, { conditions: conditions(left, operation, right), options: {} })
export const choose = (left: string, ...values: string[]) =>
  base(
    'switch',
    3.2,
    2,
    {
      rules: {
        values: values.map((value) => ({
          conditions: conditions(left, 'equals', value),
          renameOutput: true,
          outputKey: value,
        })),
      },
      options: {},
    },
    undefined,
    { outputs: values.length },
  )
export const set = (fields: Record<string, string>) =>
  base('set', 3.4, 4, {
    assignments: {
      assignments: Object.entries(fields).map(([name, value]) => ({
        id: uuidOf(name + value),
        name,
        value,
        type: 'string',
      })),
    },
    options: {},
  })
export const code = (jsCode: string, ms = 30) => base('code', 2, ms, { jsCode })
export const merge = (mode = 'combine') =>
  base('merge', 3.2, 3, mode === 'combine' ? { mode, combineBy: 'combineByPosition', options: {} } : { mode })
export const aggregate = () => base('aggregate', 1, 5, { aggregate: 'aggregateAllItemData', options: {} })
export const loop = (batchSize: number) =>
  base('splitInBatches', 3, 2, { batchSize, options: {} }, undefined, { outputs: 2, isLoop: true })
export const wait = (parameters: Json) => base('wait', 1.1, 900, parameters)
export const respond = (responseBody: string) =>
  base('respondToWebhook', 1.4, 5, { respondWith: 'json', responseBody, options: {} })
export const removeDuplicates = () =>
  base('removeDuplicates', 2, 12, {
    operation: 'removeItemsSeenInPreviousExecutions',
    dedupeValue: '={{ $json.id }}',
    options: {},
  })

// Services
export const http = (
  method: string,
  url: string,
  options: { credential?: string; ms?: number; body?: string } = {},
) =>
  base(
    'httpRequest',
    4.2,
    options.ms ?? 420,
    {
      method,
      url,
      ...(options.credential !== undefined && {
        authentication: 'genericCredentialType',
        genericAuthType: options.credential,
      }),
      ...(options.body !== undefined && { sendBody: true, specifyBody: 'json', jsonBody: options.body }),
      options: { timeout: 30_000 },
    },
    options.credential,
  )
export const slack = (channel: string, text: string) =>
  base(
    'slack',
    2.3,
    310,
    { select: 'channel', channelId: listed(channel, 'name'), text, otherOptions: {} },
    'slackApi',
  )
export const postgres = (query: string, ms = 60) =>
  base('postgres', 2.6, ms, { operation: 'executeQuery', query, options: {} }, 'postgres')
export const upsert = (table: string, ms = 90) =>
  base(
    'postgres',
    2.6,
    ms,
    {
      operation: 'upsert',
      schema: listed('public'),
      table: listed(table),
      columns: { mappingMode: 'autoMapInputData', matchingColumns: ['id'] },
      options: {},
    },
    'postgres',
  )
export const hubspot = (resource: string, operation: string, fields: Json = {}) =>
  base('hubspot', 2.1, 540, { authentication: 'appToken', resource, operation, ...fields }, 'hubspotAppToken')
export const linear = (operation: string, fields: Json = {}) =>
  base('linear', 1.1, 480, { resource: 'issue', operation, teamId: 'SUP', ...fields }, 'linearApi')
export const sheets = (operation: string, sheet: string, ms = 780) =>
  base(
    'googleSheets',
    4.6,
    ms,
    {
      operation,
      documentId: listed(uuidOf(sheet).slice(0, 18), 'id'),
      sheetName: listed(sheet, 'name'),
      columns: { mappingMode: 'autoMapInputData', matchingColumns: ['id'] },
      options: {},
    },
    'googleSheetsOAuth2Api',
  )
export const gmail = (operation: string, fields: Json = {}) =>
  base('gmail', 2.1, 460, { resource: 'message', operation, ...fields, options: {} }, 'gmailOAuth2')
export const notion = (databaseId: string, title: string) =>
  base(
    'notion',
    2.2,
    690,
    { resource: 'databasePage', databaseId: listed(databaseId), title, options: {} },
    'notionApi',
  )
export const stripe = (resource: string, operation: string, fields: Json = {}) =>
  base('stripe', 1, 380, { resource, operation, ...fields }, 'stripeApi')
export const shopify = (resource: string, operation: string, fields: Json = {}) =>
  base(
    'shopify',
    1,
    650,
    { authentication: 'accessToken', resource, operation, ...fields },
    'shopifyAccessTokenApi',
  )
export const airtable = (operation: string, table: string) =>
  base(
    'airtable',
    2.1,
    410,
    { operation, base: listed('appNorthwind'), table: listed(table), options: {} },
    'airtableTokenApi',
  )
export const github = (resource: string, operation: string, fields: Json = {}) =>
  base(
    'github',
    1.1,
    360,
    { resource, operation, owner: listed('northwind'), repository: listed('shop'), ...fields },
    'githubApi',
  )
export const zendesk = (operation: string, fields: Json = {}) =>
  base('zendesk', 1, 430, { resource: 'ticket', operation, ...fields }, 'zendeskApi')
export const sendGrid = (subject: string, toEmail = '={{ $json.email }}') =>
  base(
    'sendGrid',
    1,
    240,
    {
      resource: 'mail',
      fromEmail: 'hello@northwind.example',
      toEmail,
      subject,
      contentValue: '={{ $json.html }}',
    },
    'sendGridApi',
  )
export const twilio = (message: string) =>
  base(
    'twilio',
    1,
    330,
    { from: '+15005550006', to: '={{ $json.phone }}', message, options: {} },
    'twilioApi',
  )
export const s3 = (bucketName: string) =>
  base(
    'awsS3',
    2,
    2400,
    { operation: 'upload', bucketName, fileName: '={{ $json.file }}', additionalFields: {} },
    'aws',
  )
export const pagerDuty = (title: string) =>
  base(
    'pagerDuty',
    1,
    350,
    { authentication: 'apiToken', title, serviceId: 'PNW7', email: 'ops@northwind.example' },
    'pagerDutyApi',
  )
export const telegram = (text: string) =>
  base('telegram', 1.2, 220, { chatId: '-100487112', text, additionalFields: {} }, 'telegramApi')
export const redis = (key: string) => base('redis', 1, 6, { operation: 'delete', key }, 'redis')
export const toFile = () => base('convertToFile', 1.1, 850, { operation: 'csv', options: {} })
export const fromFile = (operation: string) => base('extractFromFile', 1, 640, { operation, options: {} })

// AI: root nodes, then their sub-nodes
export const agent = (systemMessage: string) =>
  ai('agent', 2.2, 60, { promptType: 'define', text: '={{ $json.text }}', options: { systemMessage } })
export const chain = (text: string) => ai('chainLlm', 1.7, 25, { promptType: 'define', text })
export const summarise = () => ai('chainSummarization', 2.1, 40, { options: {} })
export const extractor = (text: string, ...names: string[]) =>
  ai('informationExtractor', 1.2, 30, {
    text,
    attributes: { attributes: names.map((name) => ({ name, description: `The ${name} as written` })) },
    options: {},
  })
export const sentiment = (inputText: string): Kind => ({
  ...ai('sentimentAnalysis', 1.1, 25, { inputText, options: { categories: 'Positive, Neutral, Negative' } }),
  outputs: 3,
})
export const store = (collection: string) =>
  ai(
    'vectorStoreQdrant',
    1.3,
    210,
    { mode: 'insert', qdrantCollection: listed(collection), options: {} },
    'qdrantApi',
  )
export const openAi = (model: string, ms = 3800) =>
  ai('lmChatOpenAi', 1.2, ms, { model: listed(model), options: { temperature: 0.2 } }, 'openAiApi')
export const claude = (model: string, ms = 4600) =>
  ai('lmChatAnthropic', 1.3, ms, { model: listed(model), options: {} }, 'anthropicApi')
export const memory = () =>
  ai('memoryBufferWindow', 1.3, 12, { sessionIdType: 'customKey', sessionKey: '={{ $json.thread }}' })
export const httpTool = (toolDescription: string, url: string) =>
  ai('toolHttpRequest', 1.1, 700, { toolDescription, url })
export const codeTool = (description: string, jsCode: string) =>
  ai('toolCode', 1.3, 20, { description, jsCode })
export const searchTool = (collection: string) =>
  ai(
    'vectorStoreQdrant',
    1.3,
    180,
    {
      mode: 'retrieve-as-tool',
      toolDescription: `Finds passages in ${collection}`,
      qdrantCollection: listed(collection),
      topK: 6,
      options: {},
    },
    'qdrantApi',
  )
export const embeddings = () => ai('embeddingsOpenAi', 1.2, 160, { options: {} }, 'openAiApi')
export const loader = () => ai('documentDefaultDataLoader', 1.1, 35, { options: {} })
export const parser = (example: string) =>
  ai('outputParserStructured', 1.2, 6, { jsonSchemaExample: example })
