/**
 * @module Makes Flowkeep the OpenTelemetry collector of an n8n server (2.19 and later), so that n8n sends every run with
 * its nodes within seconds. n8n supports one collector; its earlier settings are restored afterwards. n8n does not
 * return the values of headers, so those cannot be restored.
 */
import { AppError } from '../errors.ts'
import { redact } from '../lib/secrets/redact.ts'
import type { Db } from '../db/client.ts'
import type { N8nClient } from '../n8n/api/client.ts'
import type { OtelSettings } from '../n8n/api/shapes.ts'
import { isN8nError, N8nError } from '../n8n/api/transport.ts'
import { type Connection, toAppError } from './connections.ts'
import type { OtelRemoval, OtelSetup } from './contract.ts'
import { type ReporterLease, ReporterState, setupBusy } from './reporter-state.ts'
import { webhookUrlOf } from './repository.ts'

/** n8n appends it to the endpoint. */
const tracesPath = '/v1/traces'
/** n8n's defaults, for an n8n whose earlier settings are unknown. */
const defaults = {
  enabled: false,
  exporterEndpoint: 'http://localhost:4318',
  injectOutbound: true,
  productionExecutionsOnly: true,
}
/** n8n waits this long for the response to a test. */
const minTestTimeoutMs = 5000

export class OtelExport {
  readonly #state: ReporterState
  readonly #publicUrl: string

  constructor(db: Db, now: () => Date, settings: { publicUrl: string }) {
    this.#state = new ReporterState(db, now)
    this.#publicUrl = settings.publicUrl
  }

  /**
   * Lets n8n test the connection first, then changes its settings. Safe to repeat: each call creates a new token.
   * @param replace whether to replace another collector that n8n sends traces to
   * @throws {AppError} `instance-conflict` with the `collector` unless `replace`, and when n8n's environment variables
   * set a field; `instance-rejected` when n8n is too old or its test fails; `instance-busy`, and as `toAppError`
   */
  async setUp({ instance, client }: Connection, { replace = false } = {}): Promise<OtelSetup> {
    return this.#whileLeased(instance, async (lease) => {
      const current = await readSettings(client)
      const wasOurs = isOurs(instance.id, current)
      const collector = current.enabled && !wasOurs ? hostOf(current.exporterEndpoint) : null
      if (collector !== null && !replace) {
        throw new AppError(
          'instance-conflict',
          `n8n already sends traces to ${collector}, and supports only one collector. Confirm to replace it`,
          { extra: { collector } },
        )
      }
      const endpoint = this.#endpoint(instance.id)
      const earlier = wasOurs ? null : withoutSecrets(current)
      const { id: tokenId, token } = await lease.mintToken('otel')
      try {
        const wanted = settingsFor(current, endpoint, token)
        await test(client, wanted)
        if (earlier) await lease.rememberOtel(earlier)
        await write(client, wanted)
      } catch (error) {
        // After an ambiguous error, n8n may already use the token.
        if (!isN8nError(error) || !error.ambiguous) await lease.dropToken(tokenId)
        throw error
      }
      await lease.saveOtel(tokenId, collector === null ? {} : { replaced: collector })
      return { endpoint: endpoint + tracesPath, replaced: collector, headersLost: headersOf(earlier) }
    })
  }

  /**
   * Restores n8n's earlier settings, unless they have been changed since.
   * @throws {AppError} `instance-busy`, and as `toAppError`
   */
  async remove({ instance, client }: Connection): Promise<OtelRemoval> {
    return this.#whileLeased(instance, async (lease) => {
      const removed = await this.#restore(client, instance.id, lease.remembered.otelPrevious)
      await lease.forgetOtel()
      return removed
    })
  }

  /** Restores n8n's earlier settings after the instance was deleted. Never throws. */
  async removeFromDeleted({ instance, client }: Connection): Promise<void> {
    if (instance.otelTokenId === null) return
    await this.#restore(client, instance.id, instance.otelPrevious).catch(() => undefined)
  }

  async #restore(
    client: N8nClient,
    instanceId: string,
    previous: Record<string, unknown> | null,
  ): Promise<OtelRemoval> {
    const current = await readSettings(client)
    if (!isOurs(instanceId, current)) return { restored: null, headersLost: [] }
    const restored = { ...current, ...(previous ?? defaults), exporterHeaders: '' } as OtelSettings
    delete restored[lostHeaders]
    await write(client, restored)
    const collector = restored.enabled ? hostOf(restored.exporterEndpoint) : null
    return { restored: collector, headersLost: headersOf(previous) }
  }

  async #whileLeased<T>(
    instance: Connection['instance'],
    work: (lease: ReporterLease) => Promise<T>,
  ): Promise<T> {
    const lease = await this.#state.lease(instance)
    if (!lease) throw setupBusy()
    try {
      return await work(lease)
    } catch (error) {
      throw error instanceof N8nError ? toAppError(error) : error
    } finally {
      await lease.release()
    }
  }

  #endpoint(instanceId: string): string {
    return `${webhookUrlOf(this.#publicUrl, instanceId)}/otlp`
  }
}

/** Also at an earlier public URL. */
const isOurs = (instanceId: string, { exporterEndpoint }: OtelSettings): boolean =>
  exporterEndpoint.replace(/\/+$/, '').endsWith(`${webhookUrlOf('', instanceId)}/otlp`)

/** Every run, without changes to the requests that workflows send. */
const settingsFor = (current: OtelSettings, endpoint: string, token: string): OtelSettings => ({
  ...current,
  enabled: true,
  ...('exporterProtocol' in current && { exporterProtocol: 'http/protobuf' }),
  exporterEndpoint: endpoint,
  exporterTracingPath: tracesPath,
  exporterHeaders: `authorization=Bearer ${token}`,
  tracesSampleRate: 1,
  includeNodeSpans: true,
  injectOutbound: current.enabled && current.injectOutbound,
  productionExecutionsOnly: false,
})

/** The member of the stored settings that lists the names of headers whose values are not stored. */
const lostHeaders = 'headersLost'

function withoutSecrets(settings: OtelSettings): Record<string, unknown> {
  const names = settings.exporterHeaders
    .split(',')
    .map((pair) => pair.split('=', 1)[0]?.trim() ?? '')
    .filter((name) => name !== '')
  const endpoint = URL.canParse(settings.exporterEndpoint) ? new URL(settings.exporterEndpoint) : null
  const hasUser = endpoint !== null && (endpoint.username !== '' || endpoint.password !== '')
  if (hasUser) Object.assign(endpoint, { username: '', password: '' })
  return {
    ...settings,
    ...(hasUser && { exporterEndpoint: endpoint.href }),
    exporterHeaders: '',
    [lostHeaders]: names,
  }
}

function headersOf(previous: Record<string, unknown> | null): string[] {
  const names = previous?.[lostHeaders]
  return Array.isArray(names) ? names.map(String) : []
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'another collector')

async function readSettings(client: N8nClient): Promise<OtelSettings> {
  try {
    return await client.getOtelSettings()
  } catch (error) {
    throw explained(error)
  }
}

async function write(client: N8nClient, settings: OtelSettings): Promise<void> {
  try {
    await client.updateOtelSettings(settings)
  } catch (error) {
    throw explained(error)
  }
}

function explained(error: unknown): unknown {
  if (isN8nError(error, 'not-found')) {
    return new AppError('instance-rejected', 'OpenTelemetry needs n8n 2.19 or later. Update n8n', {
      cause: error,
    })
  }
  if (isN8nError(error, 'forbidden')) {
    return new AppError(
      'instance-refused',
      'The API key is missing the otel:manage scope. Create an API key in n8n that has it',
      { cause: error },
    )
  }
  if (isN8nError(error, 'conflict')) {
    const detail = error.detail === undefined ? '' : `: ${error.detail}`
    return new AppError(
      'instance-conflict',
      `n8n's environment variables set its OpenTelemetry settings. Remove N8N_OTEL_* there${detail}`,
      { cause: error },
    )
  }
  return error
}

/** Nothing changes when n8n cannot send to Flowkeep. */
async function test(client: N8nClient, settings: OtelSettings): Promise<void> {
  const { exporterProtocol, exporterEndpoint, exporterTracingPath, exporterServiceName, exporterHeaders } =
    settings
  const { success, error } = await client.testOtelTrace({
    ...(exporterProtocol !== undefined && { exporterProtocol }),
    exporterEndpoint,
    exporterTracingPath,
    exporterServiceName,
    exporterHeaders,
    startupConnectivityTimeoutMs: Math.max(settings.startupConnectivityTimeoutMs, minTestTimeoutMs),
  })
  if (success) return
  const reason = error ? `: ${redact(error.slice(0, 500))}` : ''
  throw new AppError(
    'instance-rejected',
    `n8n could not send a test trace to ${exporterEndpoint}${tracesPath}. Check that n8n can reach this URL${reason}`,
  )
}
