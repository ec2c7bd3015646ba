/** Second factors in the dashboard: set-up, sign-in and removal through forms. */
import { describe, expect, test } from 'vitest'
import { totpCode, totpStep } from '../../src/users/factors/totp.ts'
import { useTestApp } from '../harness/app.ts'
import { Authenticator } from '../users/factors/authenticator.ts'
import { browser, origin, type Page, type SignedInBrowser, signedInBrowser } from './browser.ts'

const app = useTestApp()

const security = '/account/security'
const change = (what: string) => `${security}/change?do=${what}`

const textOf = (page: Page, selector: string) =>
  page.dom().document.querySelector(selector)?.textContent.trim() ?? ''

/** Submits the form with the action as the page shows it. */
const submit = (
  tab: Pick<SignedInBrowser, 'post'>,
  page: Page,
  action: string,
  fields: Record<string, string>,
) => tab.post(action, { ...page.dom().form(action), ...fields })

const codesOn = (page: Page) => textOf(page, '#codes').split('\n')

/** A person with an authenticator app, whose last code was of `step`. */
async function withTotp() {
  const tab = await signedInBrowser(app)
  const asking = await tab.get(change('totp'))
  const setup = await submit(tab, asking, change('totp'), { password: tab.password })
  expect(setup.status).toBe(200)
  const secret = textOf(setup, 'code').replaceAll(' ', '')
  const step = totpStep(new Date())
  const done = await submit(tab, setup, `${security}/totp`, { code: await totpCode(secret, step) })
  expect(done.status).toBe(200)
  return { tab, secret, step, codes: codesOn(done) }
}

/** The page that asks for the second factor in a new browser. */
async function secondStep(tab: SignedInBrowser) {
  const other = browser(app.app)
  const { email, password } = tab
  const page = await submit(other, await other.get('/sign-in'), '/sign-in', { email, password })
  return { other, page }
}

/** What the button of a passkey gives the script. */
const passkeyOptions = (page: Page) =>
  JSON.parse(page.dom().document.querySelector('[data-passkey]')?.getAttribute('data-passkey') ?? '')

describe('an authenticator app', () => {
  test('is set up with a QR code and a key, and gives recovery codes', async () => {
    const { tab, codes } = await withTotp()
    expect(new Set(codes).size).toBe(10)
    const page = await tab.get(security)
    expect(page.dom().text).toContain('A second factor is required')
    expect(page.dom().text).toContain('10 codes left')
    expect((await tab.get('/account')).dom().links).toContain(security)
  })

  test('shows the same key again after a wrong code', async () => {
    const tab = await signedInBrowser(app)
    const asking = await tab.get(change('totp'))
    expect((await submit(tab, asking, change('totp'), { password: 'wrong one' })).status).toBe(401)
    const setup = await submit(tab, asking, change('totp'), { password: tab.password })
    expect(setup.headers.get('Cache-Control')).toContain('no-store')
    expect(setup.dom().document.querySelector('svg.qr path')?.getAttribute('d')).toMatch(/^M/)
    const secret = textOf(setup, 'code')
    const wrong = await totpCode(secret.replaceAll(' ', ''), totpStep(new Date()) + 5)
    const again = await submit(tab, setup, `${security}/totp`, { code: wrong })
    expect(again.status).toBe(422)
    expect(textOf(again, 'code')).toBe(secret)
    expect(again.dom().errorOf('code')).toContain('Incorrect code')
    expect((await tab.get(security)).dom().text).toContain('The password is enough to sign in')
  })

  test('is the second step of signing in', async () => {
    const { tab, secret, step } = await withTotp()
    const { other, page } = await secondStep(tab)
    expect(page.status).toBe(200)
    expect(page.dom().getByRole('heading', { name: 'Verify your identity' })).toBeDefined()
    expect(page.text).not.toContain(tab.password)
    expect((await other.get('/')).location).toBe('/sign-in')
    const malformed = await submit(other, page, '/sign-in', { code: '12' })
    expect(malformed.status).toBe(422)
    expect(malformed.dom().errorOf('code')).toContain('6 digits')
    const wrong = await submit(other, malformed, '/sign-in', { code: await totpCode(secret, step + 5) })
    expect(wrong.status).toBe(401)
    expect(wrong.dom().text).toContain('The code is incorrect')
    const done = await submit(other, wrong, '/sign-in', { code: await totpCode(secret, step + 1) })
    expect(done).toMatchObject({ status: 303, location: '/' })
    expect((await other.get('/')).status).toBe(200)
  })

  test('can be replaced by a recovery code once', async () => {
    const { tab, codes } = await withTotp()
    const [code = ''] = codes
    for (const status of [303, 401]) {
      const { other, page } = await secondStep(tab)
      expect((await submit(other, page, '/sign-in', { code })).status).toBe(status)
    }
    expect((await tab.get(security)).dom().text).toContain('9 codes left')
    expect((await tab.get('/audit')).dom().text).toContain('Used a recovery code')
  })

  test('is removed with the password and a factor', async () => {
    const { tab, secret, step } = await withTotp()
    const action = change('remove-totp')
    const asking = await tab.get(action)
    const { password } = tab
    expect((await submit(tab, asking, action, { password })).status).toBe(403)
    const done = await submit(tab, asking, action, { password, code: await totpCode(secret, step + 1) })
    expect(done).toMatchObject({ status: 303, location: security })
    expect((await tab.get(security)).dom().text).toContain('The password is enough to sign in')
    const other = browser(app.app)
    const { email } = tab
    expect((await other.post('/sign-in', { email, password })).status).toBe(303)
  })

  test('gets new recovery codes, and the old ones stop working', async () => {
    const { tab, codes, secret, step } = await withTotp()
    const action = change('recovery-codes')
    const { password } = tab
    const code = await totpCode(secret, step + 1)
    const fresh = codesOn(await submit(tab, await tab.get(action), action, { password, code }))
    expect(new Set([...fresh, ...codes]).size).toBe(20)
    for (const [used = '', status] of [
      [codes[1], 401],
      [fresh[1], 303],
    ] as const) {
      const { other, page } = await secondStep(tab)
      expect((await submit(other, page, '/sign-in', { code: used })).status).toBe(status)
    }
  })
})

describe('a passkey', () => {
  async function withPasskey() {
    const tab = await signedInBrowser(app)
    const { password } = tab
    const asking = await tab.get(change('passkey'))
    const page = await submit(tab, asking, change('passkey'), { password })
    const authenticator = new Authenticator(origin)
    const passkey = JSON.stringify(await authenticator.create(passkeyOptions(page)))
    const done = await submit(tab, page, `${security}/passkeys`, { name: 'Laptop', passkey })
    expect(done.status).toBe(200)
    return { tab, authenticator, codes: codesOn(done) }
  }

  test('is added, and signs in without the password', async () => {
    const { tab, authenticator, codes } = await withPasskey()
    expect(codes).toHaveLength(10)
    expect((await tab.get(security)).dom().table(/^Passkeys/)[1]?.[0]).toBe('Laptop')
    const other = browser(app.app)
    const options = JSON.parse((await other.post('/sign-in/passkey-options')).text)
    const passkey = JSON.stringify(await authenticator.get(options))
    expect(await other.post('/sign-in', { passkey })).toMatchObject({ status: 303, location: '/' })
    expect((await other.get('/')).status).toBe(200)
    expect((await browser(app.app).post('/sign-in', { passkey })).status).toBe(401)
  })

  test('is the second step of signing in', async () => {
    const { tab, authenticator } = await withPasskey()
    const { other, page } = await secondStep(tab)
    const passkey = JSON.stringify(await authenticator.get(passkeyOptions(page)))
    expect((await submit(other, page, '/sign-in', { passkey })).status).toBe(303)
  })

  test('can confirm its own removal', async () => {
    const { tab, authenticator } = await withPasskey()
    const list = await tab.get(security)
    const action = list.dom().getByRole('link', { name: 'Remove Laptop' }).getAttribute('href') ?? ''
    const asking = await tab.get(action)
    const options = JSON.parse((await tab.post(`${security}/passkey-check`)).text)
    const passkey = JSON.stringify(await authenticator.get(options))
    const done = await submit(tab, asking, action, { password: tab.password, passkey })
    expect(done).toMatchObject({ status: 303, location: security })
    expect((await tab.get(security)).dom().text).toContain('The password is enough to sign in')
  })

  test.each(['', 'not JSON', '{}', 'null', '[]'])('is refused if the form contains %j', async (passkey) => {
    const tab = await signedInBrowser(app)
    const answer = await tab.post(`${security}/passkeys`, { name: 'Laptop', passkey })
    expect(answer).toMatchObject({ status: 303, location: security })
    expect((await tab.get(security)).dom().text).toContain('The password is enough to sign in')
    expect((await browser(app.app).post('/sign-in', { passkey })).status).toBe(422)
  })
})

test('a change that does not exist is not found', async () => {
  const tab = await signedInBrowser(app)
  expect((await tab.get(change('everything'))).status).toBe(404)
  expect((await tab.post(change('everything'))).status).toBe(404)
  const action = `${change('remove-passkey')}&id=invented`
  expect((await tab.post(action, { password: tab.password })).status).toBe(404)
})
