/** The client of the MCP project, connected to a server under test. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

export const protocolVersions = ['2026-07-28', '2025-11-25'] as const
export type ProtocolVersion = (typeof protocolVersions)[number]

export interface Called {
  text: string
  isError: boolean
}

export interface McpClient {
  client: Client
  call: (name: string, args?: Record<string, unknown>) => Promise<Called>
  /** Texts of all answers. */
  answers: string[]
  /** What the fences leave: the words of the server. */
  close: () => Promise<void>
}

export async function connectMcp(options: {
  url: string
  token: string
  version: ProtocolVersion
  fetch?: typeof fetch
}): Promise<McpClient> {
  const { url, token, version } = options
  const client = new Client(
    { name: 'flowkeep-test', version: '1.0.0' },
    { versionNegotiation: { mode: version === '2026-07-28' ? { pin: version } : 'legacy' } },
  )
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
    ...(options.fetch && { fetch: options.fetch }),
  })
  await client.connect(transport)
  const answers: string[] = []
  return {
    client,
    answers,
    async call(name, args = {}) {
      const { content, isError } = await client.callTool({ name, arguments: args })
      const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
      answers.push(text)
      return { text, isError: isError === true }
    },
    close: () => client.close(),
  }
}

/** The number that models are billed for, roughly. */
export const tokensOf = (text: string): number => Math.ceil(text.length / 4)

/** The text outside the fences. */
export const outsideFences = (text: string): string =>
  text.replaceAll(/<untrusted-data (\w+)>\n[^]*?\n<\/untrusted-data \1>/g, '')

/** The ID after words such as `Saved `. */
export function idAfter(text: string, words: string): string {
  const id = new RegExp(`${words}([0-9a-f-]{36})`).exec(text)?.[1]
  if (id === undefined) throw new Error(`No ID after “${words}” in: ${text}`)
  return id
}
