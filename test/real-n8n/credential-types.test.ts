/** @module Every credential type with only its required fields: a real n8n accepts what Flowkeep accepts. */
import { afterAll, expect, test } from 'vitest'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import {
  checkCredentialData,
  completeCredentialData,
  sendableCredentialData,
} from '../../src/n8n/catalogue/credential-data.ts'
import { minimalCredentialData, sampleCredentialData } from '../n8n/sample-data.ts'
import { n8nApiKey, onRealN8n, n8nUrl } from './world.ts'

const catalogue = await loadCatalogue()
const types = catalogue.searchCredentialTypes().flatMap(({ type }) => catalogue.credentialType(type) ?? [])

/** Types with a field that has a default in n8n's editor but is required by n8n's API. */
const filled = {
  auth0ManagementApi: 'domain',
  awsAssumeRole: 'roleSessionName',
  chromaCloudApi: 'baseUrl',
  customerIoApi: 'region',
  datadogApi: 'url',
  ftp: 'port',
  googlePalmApi: 'host',
  lemonadeApi: 'baseUrl',
  milvusApi: 'baseUrl',
  motorheadApi: 'host',
  nvidiaApi: 'url',
  ollamaApi: 'baseUrl',
  sftp: 'port',
  sshPassword: 'port',
  sshPrivateKey: 'port',
  vercelAiGatewayApi: 'url',
  verticaApi: 'url',
  xataApi: 'branch',
}

const made: string[] = []
async function n8n(method: string, path: string, body?: unknown) {
  const response = await fetch(`${n8nUrl}/api/v1/credentials${path}`, {
    method,
    headers: { 'X-N8N-API-KEY': n8nApiKey, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const json = (await response.json()) as { id?: string; message?: string }
  if (method === 'POST' && json.id !== undefined) made.push(json.id)
  return { status: response.status, ...json }
}

afterAll(async () => {
  for (const id of made) await n8n('DELETE', `/${id}`)
})

onRealN8n()('a real n8n', () => {
  test('accepts the 18 types whose required fields have a default without values for them', async () => {
    const rows = []
    for (const [type, field] of Object.entries(filled)) {
      const known = types.find((each) => each.type === type)
      if (!known) throw new Error(`${type} is not known`)
      const data = minimalCredentialData(known)
      expect(checkCredentialData(catalogue, type, data), type).toEqual([])
      expect(data, type).not.toHaveProperty(field)
      const sent = sendableCredentialData(catalogue, type, data)
      const asGiven = await n8n('POST', '', { name: `credentials ${type}`, type, data })
      const asSent = await n8n('POST', '', { name: `credentials ${type}`, type, data: sent })
      rows.push({ type, field, default: sent[field], asGiven: asGiven.status, asSent: asSent.status })
    }
    console.table(rows)
    expect(rows.filter(({ asGiven, asSent }) => asGiven !== 400 || asSent !== 200)).toEqual([])
  })

  test('accepts all types, with only the required fields and with all fields', {
    timeout: 300_000,
  }, async () => {
    const refused = []
    let taken = 0
    for (const known of types) {
      const { type } = known
      for (const data of [minimalCredentialData(known), sampleCredentialData(known)]) {
        expect(checkCredentialData(catalogue, type, data), type).toEqual([])
        const name = `credentials ${type}`
        const body = { name, type, data: sendableCredentialData(catalogue, type, data) }
        const answer = await n8n('POST', '', body)
        const merged =
          known.oauth && answer.id !== undefined
            ? await n8n('PATCH', `/${answer.id}`, {
                name,
                isPartialData: true,
                data: completeCredentialData(catalogue, type, data),
              })
            : answer
        if (answer.status === 200 && merged.status === 200) taken += 1
        else refused.push({ type, message: answer.message ?? merged.message })
      }
    }
    const others = types.filter(({ oauth }) => !oauth).length
    console.log(
      `${taken} of ${types.length * 2} taken: ${others} types without OAuth, ${types.length - others} with`,
    )
    expect(refused).toEqual([])
  })

  test.each<[string, Record<string, unknown>]>([
    ['postgres', { port: '5432' }],
    ['postgres', { port: '={{ 5432 }}' }],
    ['postgres', { sshTunnel: 'true' }],
    ['postgres', { ssl: '={{ "allow" }}' }],
    ['postgres', { noSuchField: 1 }],
    ['oracleDBApi', { user: 'u', password: 'p', connectionString: 'c', privilege: 2 }],
    ['oAuth2Api', { authUrl: 'no URL', accessTokenUrl: 'https://a.test', clientId: 'i', clientSecret: 's' }],
    ['slackApi', {}],
  ])('rejects %s %j, like Flowkeep', async (type, data) => {
    expect(checkCredentialData(catalogue, type, data)).not.toEqual([])
    const answer = await n8n('POST', '', { name: `credentials ${type}`, type, data })
    expect(answer.status).toBe(400)
  })
})
