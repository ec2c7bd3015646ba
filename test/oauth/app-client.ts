/** An app that connects with the client of the MCP project, and the user who approves it in a browser. */
import { createHash, randomBytes } from 'node:crypto'
import {
  Client,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import type { Browser, Page } from '../web/browser.ts'
import type { ProtocolVersion } from '../mcp/client.ts'

export const mcpUrl = 'https://flowkeep.example.com/mcp'
export const callback = 'http://127.0.0.1:49152/callback'

/** Remembers what an app stores. */
export class AppMemory implements OAuthClientProvider {
  readonly redirectUrl: string
  clientMetadataUrl?: string
  client: StoredOAuthClientInformation | undefined
  stored: StoredOAuthTokens | undefined
  discovered: OAuthDiscoveryState | undefined
  verifier = ''
  asked: URL | undefined
  askedState = ''

  constructor(options: { redirectUrl?: string; clientMetadataUrl?: string } = {}) {
    this.redirectUrl = options.redirectUrl ?? callback
    if (options.clientMetadataUrl !== undefined) this.clientMetadataUrl = options.clientMetadataUrl
  }

  get clientMetadata() {
    return {
      client_name: 'Test agent',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
  }

  state = () => (this.askedState = randomBytes(16).toString('hex'))
  clientInformation = () => this.client
  saveClientInformation = (client: StoredOAuthClientInformation) => void (this.client = client)
  tokens = () => this.stored
  saveTokens = (tokens: StoredOAuthTokens) => void (this.stored = tokens)
  redirectToAuthorization = (url: URL) => void (this.asked = url)
  saveCodeVerifier = (verifier: string) => void (this.verifier = verifier)
  codeVerifier = () => this.verifier
  saveDiscoveryState = (state: OAuthDiscoveryState) => void (this.discovered = state)
  discoveryState = () => this.discovered
}

export interface Connected {
  client: Client
  memory: AppMemory
  /** The consent page that the user saw. */
  consent: Page
}

/** Follows the protocol from the 401 to the first response of `/mcp`. */
export async function connectApp(options: {
  memory: AppMemory
  fetch: typeof fetch
  version: ProtocolVersion
  /** Opens the consent page and submits it. */
  approve: (url: URL) => Promise<{ consent: Page; location: string }>
}): Promise<Connected> {
  const { memory, fetch, version, approve } = options
  const clientOf = () =>
    new Client(
      { name: 'flowkeep-test', version: '1.0.0' },
      { versionNegotiation: { mode: version === '2026-07-28' ? { pin: version } : 'legacy' } },
    )
  const transport = () => new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory, fetch })
  const first = transport()
  const refused = await clientOf()
    .connect(first)
    .then(
      () => undefined,
      (error: unknown) => error,
    )
  if (!(refused instanceof UnauthorizedError) || !memory.asked) throw refused ?? new Error('Not asked')
  const { consent, location } = await approve(memory.asked)
  const answer = new URL(location).searchParams
  if (answer.get('state') !== memory.askedState) throw new Error('Another state')
  await first.finishAuth(answer)
  const client = clientOf()
  await client.connect(transport())
  return { client, memory, consent }
}

/** Opens the page of `url`, and allows what is selected, or only `scopes`. */
export async function approveIn(
  tab: Browser,
  url: URL,
  {
    scopes,
    decision = 'allow',
    headers,
  }: { scopes?: readonly string[]; decision?: string; headers?: Record<string, string> } = {},
): Promise<{ consent: Page; location: string; answer: Page }> {
  const path = url.pathname + url.search
  const consent = await tab.get(path)
  if (consent.status !== 200) throw new Error(`${consent.status} ${consent.location ?? consent.text}`)
  const answer = await submitIn(tab, path, consent, scopes ?? checkedScopes(consent), decision, headers)
  return { consent, location: answer.location ?? '', answer }
}

export const checkedScopes = (page: Page): string[] =>
  [...page.text.matchAll(/<input[^>]*name="scopes"[^>]*>/g)].flatMap(([input]) =>
    input.includes('checked') ? (/value="([^"]+)"/.exec(input)?.[1] ?? []) : [],
  )

export function submitIn(
  tab: Browser,
  path: string,
  consent: Page,
  scopes: readonly string[],
  decision: string,
  headers?: Record<string, string>,
) {
  const owner = /name="_owner" value="([^"]+)"/.exec(consent.text)?.[1] ?? ''
  const body = new URLSearchParams([
    ['_owner', owner],
    ['decision', decision],
    ...scopes.map((scope) => ['scopes', scope] as [string, string]),
  ])
  // The test browser sends one value per field; several boxes have the same name.
  return tab.post(path, body as unknown as Record<string, string>, headers)
}

export const pkce = () => {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
