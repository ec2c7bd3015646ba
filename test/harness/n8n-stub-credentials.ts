/** @module The credentials of the n8n stub. It never returns their data. */
import { iso, type Json, n8nId, type StubContext, type StubCredential } from './n8n-stub-state.ts'
import { pageByOffset } from './n8n-stub-workflows.ts'
import { checkCredentialBody, checkCredentialData, isObject, Refusal } from './n8n-stub-validation.ts'

export function createCredential(context: StubContext, body: unknown): Json {
  const { credentials, generation } = context.state
  const checked = checkCredentialBody(body, generation) as Json & { name: string; type: string; data: Json }
  checkCredentialData(context.catalogue, checked.type, checked.data)
  const id = typeof checked.id === 'string' ? checked.id : n8nId()
  if (credentials.has(id)) throw new Refusal(409, 'A credential with this ID already exists')
  const at = iso(context.nowMs())
  const { name, type, data } = checked
  const credential = { id, name, type, data: structuredClone(data), createdAt: at, updatedAt: at }
  credentials.set(id, credential)
  return show(credential)
}

export function getCredential(context: StubContext, id: string): Json {
  const credential = context.state.credentials.get(id)
  if (!credential) throw new Refusal(404, 'Credential not found')
  return show(credential)
}

export function listCredentials(context: StubContext, query: URLSearchParams): Json {
  const newestFirst = [...context.state.credentials.values()].toReversed()
  return pageByOffset(
    newestFirst.map(({ id, name, type, createdAt, updatedAt }) => ({
      id,
      name,
      type,
      createdAt,
      updatedAt,
      shared: [],
    })),
    query,
  )
}

export function updateCredential(context: StubContext, id: string, body: unknown): Json {
  const credential = context.state.credentials.get(id)
  if (!credential) throw new Refusal(404, 'Credential not found')
  const change = isObject(body) ? body : {}
  if (typeof change.type === 'string' && !context.catalogue.credentialType(change.type)) {
    throw new Refusal(400, 'req.body.type is not a known type')
  }
  if (change.type !== undefined && change.type !== credential.type && change.data === undefined) {
    throw new Refusal(400, 'req.body.data is required when changing credential type.')
  }
  if (change.isGlobal === true) throw new Refusal(403, 'You are not licensed for sharing credentials')
  const type = typeof change.type === 'string' ? change.type : credential.type
  const name = typeof change.name === 'string' ? change.name : credential.name
  if (isObject(change.data)) {
    const isPartial = change.isPartialData === true
    checkCredentialData(context.catalogue, type, change.data, isPartial)
    const { oauthTokenData } = credential.data
    const data = isPartial
      ? { ...credential.data, ...change.data, ...(oauthTokenData !== undefined && { oauthTokenData }) }
      : change.data
    // Checked only on data updates; a creation accepts any name.
    if (name.length < 3 || name.length > 128) {
      throw new Refusal(400, 'Credential name must be 3 to 128 characters long.')
    }
    credential.data = structuredClone(data)
  }
  Object.assign(credential, { type, name, updatedAt: iso(context.nowMs()) })
  return show(credential)
}

export function deleteCredential(context: StubContext, id: string): Json {
  const credential = context.state.credentials.get(id)
  if (!credential) throw new Refusal(404, 'Not Found')
  context.state.credentials.delete(id)
  return { ...show(credential), usageScope: 'project' }
}

export function testCredential(context: StubContext, id: string): Json {
  const credential = context.state.credentials.get(id)
  if (!credential) throw new Refusal(404, `Credential with ID "${id}" was not found.`)
  if (context.state.workingCredentials.has(id)) return { status: 'OK', message: 'Connection successful!' }
  if (/oauth2/i.test(credential.type)) {
    const { oauthTokenData: token } = credential.data
    if (isObject(token) && 'access_token' in token) return { status: 'OK', message: 'Connection Successful!' }
    return { status: 'Error', message: 'This OAuth2 credential was not connected to an account.' }
  }
  return { status: 'Error', message: 'No testing function found for this credential.' }
}

export function credentialSchema(context: StubContext, type: string): Json {
  const known = context.catalogue.credentialType(type)
  if (!known) throw new Refusal(404, 'Not Found')
  const rows = context.catalogue.credentialFields(type).filter(({ kind }) => kind !== 'hidden')
  const properties = rows.map(({ name, kind, options }) => {
    return [name, kind === 'options' ? { type: 'string', enum: options } : { type: kind }]
  })
  const required = rows.filter((field) => field.required && !field.show).map(({ name }) => name)
  return { additionalProperties: false, type: 'object', properties: Object.fromEntries(properties), required }
}

function show({ id, name, type, createdAt, updatedAt }: StubCredential): Json {
  const flags = { isManaged: false, isGlobal: false, isResolvable: false, resolvableAllowFallback: false }
  return { id, name, type, ...flags, resolverId: null, createdAt, updatedAt }
}
