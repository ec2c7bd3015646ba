import { afterEach, expect, test, vi } from 'vitest'
import { redact } from '../../src/lib/secrets/redact.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Counts characters visited, searched or matched, and regular-expression calls. */
function workOf(text: string): number {
  let work = 0
  // oxlint-disable-next-line typescript/unbound-method -- called with `this`
  const { exec } = RegExp.prototype
  // oxlint-disable-next-line typescript/unbound-method -- called with `this`
  const { charCodeAt, indexOf } = String.prototype
  vi.spyOn(String.prototype, 'charCodeAt').mockImplementation(function (this: string, at) {
    work += 1
    return charCodeAt.call(this, at)
  })
  vi.spyOn(String.prototype, 'indexOf').mockImplementation(function (this: string, part, from = 0) {
    const found = indexOf.call(this, part, from)
    work += (found < 0 ? this.length : found) - from
    return found
  })
  vi.spyOn(RegExp.prototype, 'exec').mockImplementation(function (this: RegExp, input) {
    const match = exec.call(this, input)
    work += 1 + (match?.[0].length ?? 0)
    return match
  })
  redact(text)
  vi.restoreAllMocks()
  return work
}

const hostile = [
  'key=',
  'token: ',
  '-----BEGIN ',
  '-----BEGIN A-----\n',
  '---- BEGIN A ----\n',
  'eyJ',
  'eyJhbGciOiJ.',
  'sk-',
  'a',
  '"',
  '\\"',
  '=',
  ':',
  '://',
  'x://y:',
  '@',
  'Bearer ',
  'Basic ',
  'Token ',
  '1/',
  'xoxb-',
  'secret=a;',
  'token:{',
  'token:',
  ':password>',
  '<password>',
  'password="',
  "password:'",
  'password=\\"',
  'authorization: ',
  '"authorization","',
  'Cookie: a=b;',
  'password:&quot;',
  'key=a&',
  '%3D',
  '\\u003d',
  '--password ',
  'curl -u ',
  'name:"password"',
  'password=x{{',
  ';base64,',
  'Q~',
  ':AA',
  '\\n',
  'ghp_',
  '-----END ',
  '-----END-',
  'password is ',
  'a1b2c3d4e5f6a7b8 ',
  'token a1b2c3d4e5f6a7b8-',
  'a:b@',
  'mysql -p',
  '&#61;',
  'x_',
  'Digest a=b, ',
  'credentials a:b ',
  'password: |\\n  ',
  '“token”: “',
  '密码：',
  'eyJhbGciOiJ',
  'QUtJ',
]

const chars = 4096

test.each(hostile)('twice the text of %j takes at most about twice the work', (part) => {
  const once = workOf(part.repeat(chars / part.length))
  const twice = workOf(part.repeat((2 * chars) / part.length))
  expect(once).toBeGreaterThan(0)
  expect(twice).toBeLessThan(2.3 * once + 1024)
  expect(once / chars).toBeLessThan(128)
})
