/** A unique text that occurs elsewhere only if it leaked. */
export const canary = (): string => `cnry${crypto.randomUUID().replaceAll('-', '')}"\\é`

/** Base64 of `text` at any offset in a longer text: the characters that do not depend on its surroundings. */
function base64Anywhere(text: string): string[] {
  return [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
    const whole = bytes.subarray(offset === 0 ? 0 : 3, bytes.length - (bytes.length % 3))
    return whole.toString('base64')
  })
}

const reversed = (text: string): string => Array.from(text).toReversed().join('')

export function formsOf(secret: string): string[] {
  const base64 = base64Anywhere(secret)
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    JSON.stringify(JSON.stringify(secret)).slice(3, -3),
    encodeURIComponent(secret),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    Buffer.from(secret).toString('hex'),
    reversed(secret),
    // The part that no escaping changes, so that any escaping is detected.
    secret.slice(0, 36),
    reversed(secret.slice(0, 36)),
  ]
}

/** The secrets that `text` contains in any form. */
export const leaks = (text: string, secrets: string[]): string[] => {
  const lower = text.toLowerCase()
  return secrets.filter((secret) =>
    formsOf(secret).some((form) => text.includes(form) || lower.includes(form.toLowerCase())),
  )
}
