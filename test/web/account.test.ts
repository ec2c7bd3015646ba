import { describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'
import { parsePage } from '../harness/dom.ts'
import { browser, signedInBrowser } from './browser.ts'

const app = useTestApp()

describe('the account page', () => {
  test('shows the account and is linked from the name of the user', async () => {
    const name = 'Maya <i>Keller</i>'
    const tab = await signedInBrowser(app, name)
    const { status, text } = await tab.get('/account')
    expect(status).toBe(200)
    expect(text).toContain(tab.email)
    expect(parsePage(text).document.body.textContent).toContain(name)
    expect(parsePage((await tab.get('/')).text).links).toContain('/account')
  })

  test.each(['/settings', '/me', '/profile'])('is where %s leads', async (path) => {
    const tab = await signedInBrowser(app)
    expect(await tab.get(path)).toMatchObject({ status: 303, location: '/account' })
  })

  test('changes the password and ends all other sessions', async () => {
    const tab = await signedInBrowser(app)
    const other = browser(app.app)
    await other.post('/sign-in', { email: tab.email, password: tab.password })
    const newPassword = 'another horse battery 9'
    const wrong = await tab.post('/account/password', { currentPassword: 'wrong one', newPassword })
    expect(wrong.status).toBe(401)
    expect(wrong.text).toContain('Incorrect password')
    const common = await tab.post('/account/password', {
      currentPassword: tab.password,
      newPassword: 'password1',
    })
    expect(common.status).toBe(422)
    expect(common.text).toContain('Too common')
    expect(common.text).not.toContain(tab.password)
    const done = await tab.post('/account/password', { currentPassword: tab.password, newPassword })
    expect(done).toMatchObject({ status: 303, location: '/account' })
    expect((await tab.get('/account')).text).toContain('Password changed.')
    expect((await other.get('/')).location).toBe('/sign-in')
  })

  test('signs out everywhere', async () => {
    const tab = await signedInBrowser(app)
    const other = browser(app.app)
    await other.post('/sign-in', { email: tab.email, password: tab.password })
    expect((await tab.post('/account/sign-out-everywhere')).location).toBe('/signed-out')
    expect((await tab.get('/')).location).toBe('/sign-in')
    expect((await other.get('/')).location).toBe('/sign-in')
  })

  test('deletes the account only with the typed email address and the password', async () => {
    const tab = await signedInBrowser(app)
    const { email: confirm, password } = tab
    const mistyped = await tab.post('/account/delete', { confirm: 'someone', password })
    expect(mistyped.status).toBe(422)
    expect(mistyped.text).toContain('The email address does not match.')
    expect((await tab.post('/account/delete', { confirm, password: 'wrong one' })).status).toBe(401)
    expect((await tab.get('/account')).status).toBe(200)
    expect(await tab.post('/account/delete', { confirm, password })).toMatchObject({ location: '/sign-in' })
    expect((await tab.get('/sign-in')).text).toContain('Your account was deleted.')
    expect((await tab.post('/sign-in', { email: confirm, password })).status).toBe(401)
  })
})
