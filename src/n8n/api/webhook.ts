/** @module Calls a webhook of a workflow in n8n. */
import { readText } from './transport.ts'

const maxRefusalBytes = 4096

export interface WebhookCall {
  path: string
  headers: Record<string, string>
  body: unknown
  timeoutMs: number
}

/**
 * @returns the status; null without a response: the workflow may run. `not-registered`: n8n has not started the webhook, and
 * nothing ran.
 */
export async function callWebhook(
  { baseUrl, fetch }: { baseUrl: string; fetch: typeof globalThis.fetch },
  { path, headers, body, timeoutMs }: WebhookCall,
): Promise<number | 'not-registered' | null> {
  const root = new URL(baseUrl)
  const url = `${root.origin}${root.pathname.replace(/\/+$/, '')}/webhook/${encodeURIComponent(path)}`
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    // n8n names the path that it does not know. A Respond to Webhook node may also answer 404.
    if (response.status === 404 && (await readText(response, maxRefusalBytes))?.includes(path))
      return 'not-registered'
    response.body?.cancel().catch(() => undefined)
    return response.status
  } catch {
    return null
  }
}
