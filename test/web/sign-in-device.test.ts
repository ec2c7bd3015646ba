/** The dashboard's device cookie. */
import { expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const app = useTestApp()

const origin = { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/x-www-form-urlencoded' }
const signIn = (email: string, password: string, cookie = '') =>
  app.call('POST', '/sign-in', {
    headers: { ...origin, ...(cookie && { Cookie: cookie }) },
    body: new URLSearchParams({ email, password }).toString(),
  })

test('signing in stores a device token that keeps its attempts apart from those of strangers', async () => {
  const { email, password } = await app.user()
  const first = await signIn(email, password)
  expect(first.status).toBe(303)
  const cookie = first.headers.getSetCookie().find((each) => each.startsWith('__Host-flowkeep-device='))
  expect(cookie).toMatch(
    /^__Host-flowkeep-device=fkd_[\w-]+; Max-Age=15552000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )
  for (let each = 0; each < 6; each += 1) await signIn(email, 'a wrong guess')
  expect((await signIn(email, password)).status).toBe(429)
  expect((await signIn(email, password, cookie?.split(';')[0])).status).toBe(303)
  expect(app.logs.join('\n')).not.toContain('fkd_')
})
