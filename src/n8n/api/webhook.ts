/** @module Calls a webhook of a workflow in n8n. */

export interface WebhookCall {
  path: string
  headers: Record<string, string>
  body: unknown
  timeoutMs: number
}

/**
 * @returns the status; null without a response: the workflow may run. 404: n8n has not started the webhook, and nothing ran.
 * Ignores the body of the response.
 */
export async function callWebhook(
  { baseUrl, fetch }: { baseUrl: string; fetch: typeof globalThis.fetch },
  { path, headers, body, timeoutMs }: WebhookCall,
): Promise<number | null> {
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
    response.body?.cancel().catch(() => undefined)
    return response.status
  } catch {
    return null
  }
}
