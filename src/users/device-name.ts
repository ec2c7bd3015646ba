/** @module Names the device in a `User-Agent` header. Pure. The header is a claim: it proves nothing. */

/** In order: later ones also name earlier ones. */
const browsers: readonly [pattern: RegExp, name: string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'Safari'],
]

const systems: readonly [pattern: RegExp, name: string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
]

const nameIn = (agent: string, names: readonly [RegExp, string][]): string | undefined =>
  names.find(([pattern]) => pattern.test(agent))?.[1]

/** Such as `Firefox on Linux`, or the name of a program, such as `curl`. Null without a name. */
export function deviceName(agent: string | null | undefined): string | null {
  const text = agent?.slice(0, 256) ?? ''
  const browser = text.startsWith('Mozilla/') ? nameIn(text, browsers) : undefined
  const system = nameIn(text, systems)
  if (browser) return system ? `${browser} on ${system}` : browser
  const program = /^[A-Za-z][\w.-]{0,39}/.exec(text)?.[0]
  return program && program !== 'Mozilla' ? program : (system ?? null)
}
