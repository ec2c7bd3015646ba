/** @module The stub's OpenTelemetry settings, as measured on n8n 2.41.1. */
import type { Json, StubContext } from './n8n-stub-state.ts'
import { Refusal } from './n8n-stub-validation.ts'

/** What n8n returns instead of the value of a header. Sent back, it stands for the stored value. */
export const BLANK = '__n8n_BLANK_VALUE_e5362baf-c777-4d57-a609-6eaf1f9e87f6'

export const OTEL_DEFAULTS: Json = {
  enabled: false,
  exporterProtocol: 'http/protobuf',
  exporterEndpoint: 'http://localhost:4318',
  exporterTracingPath: '/v1/traces',
  exporterServiceName: 'n8n',
  exporterHeaders: '',
  tracesSampleRate: 1,
  startupConnectivityTimeoutMs: 2000,
  includeNodeSpans: true,
  injectOutbound: true,
  productionExecutionsOnly: true,
}
const TEST_FIELDS = [
  'exporterProtocol',
  'exporterEndpoint',
  'exporterTracingPath',
  'exporterServiceName',
  'exporterHeaders',
  'startupConnectivityTimeoutMs',
]

const pairsOf = (headers: unknown): [name: string, value: string][] =>
  String(headers)
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at === -1 ? [pair.trim(), ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    })
const joined = (pairs: [string, string][]) => pairs.map(([name, value]) => `${name}=${value}`).join(',')

export function getOtel({ state }: StubContext): Json {
  const { settings } = state.otel
  const headers = pairsOf(settings['exporterHeaders']).map(([name, value]): [string, string] => [
    name,
    value === '' ? '' : BLANK,
  ])
  return { ...settings, exporterHeaders: joined(headers) }
}

function checked(body: unknown, fields: string[]): Json {
  const settings = (body ?? {}) as Json
  const unknown = Object.keys(settings).find((name) => !fields.includes(name))
  if (unknown !== undefined) throw new Refusal(400, `request/body must NOT have additional properties`)
  const missing = fields.find((name) => name !== 'exporterProtocol' && settings[name] === undefined)
  if (missing !== undefined) throw new Refusal(400, `request/body must have required property '${missing}'`)
  const wrong = fields.find(
    (name) => settings[name] !== undefined && typeof settings[name] !== typeof OTEL_DEFAULTS[name],
  )
  if (wrong !== undefined)
    throw new Refusal(400, `request/body/${wrong} must be ${typeof OTEL_DEFAULTS[wrong]}`)
  if (!/^https?:\/\//.test(String(settings['exporterEndpoint'])))
    throw new Refusal(400, 'Exporter endpoint must be an http:// or https:// URL')
  return { exporterProtocol: 'http/protobuf', ...settings }
}

export function updateOtel(context: StubContext, body: unknown): Json {
  const { otel } = context.state
  const incoming = checked(body, Object.keys(OTEL_DEFAULTS))
  const current = getOtel(context)
  const conflicts = [...otel.managed].filter((name) => incoming[name] !== current[name])
  if (conflicts.length > 0) {
    throw new Refusal(
      409,
      `The following field(s) are managed by environment variables and cannot be changed through the API: ${conflicts.join(', ')}`,
    )
  }
  const stored = new Map(pairsOf(otel.settings['exporterHeaders']))
  const headers = pairsOf(incoming['exporterHeaders']).flatMap(([name, value]): [string, string][] => {
    if (value !== BLANK) return [[name, value]]
    const known = stored.get(name)
    return known === undefined ? [] : [[name, known]]
  })
  otel.settings = { ...incoming, exporterHeaders: joined(headers) }
  return getOtel(context)
}

export function testOtel({ state }: StubContext, body: unknown): Json {
  checked(body, TEST_FIELDS)
  const { testError } = state.otel
  return testError === null ? { success: true } : { success: false, error: testError }
}
