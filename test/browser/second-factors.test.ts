/** Second factors in Chromium, with the keyboard alone: set up, used to sign in, removed. */
import axe from 'axe-core'
import type { Locator, Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { totpCode, totpStep } from '../../src/users/factors/totp.ts'
import type { TestUser } from '../harness/app.ts'
import { hasChromium, type Tab } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

describe.skipIf(!hasChromium)(inChromium('second factors by keyboard'), () => {
  const site = useSite('localhost')
  let user: TestUser
  let tab: Tab
  let page: Page
  let secret = ''
  let codes: string[] = []

  beforeAll(async () => {
    user = await site.app.user()
    tab = await site.signedIn(user)
    page = tab.page
    const session = await tab.context.newCDPSession(page)
    await session.send('WebAuthn.enable')
    await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
  })

  /** Presses Tab until the focus is on the element that has this role and name. */
  async function tabTo(wanted: Locator): Promise<void> {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await wanted.evaluate((element) => element === document.activeElement)) return
      await page.keyboard.press('Tab')
    }
    throw new Error(`${page.url()}: the keyboard does not reach ${wanted}`)
  }
  const field = (label: string) => page.getByLabel(label, { exact: true })
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const link = (name: string) => page.getByRole('link', { name, exact: true })

  async function type(label: string, text: string): Promise<void> {
    await tabTo(field(label))
    await page.keyboard.type(text)
  }
  async function press(control: Locator, heading: string): Promise<void> {
    await tabTo(control)
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')])
    await page.getByRole('heading', { name: heading, exact: true, level: 1 }).waitFor()
    expect(await violations()).toEqual([])
  }

  async function violations(): Promise<string[]> {
    await page.evaluate(axe.source)
    const { violations: found } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ['violations'] }),
    )
    return found.map(({ id, nodes }) => `${page.url()}: ${id} at ${nodes[0]?.target.join(' ')}`)
  }

  async function signOut(): Promise<void> {
    await tab.context.clearCookies()
    await page.goto('/sign-in')
  }
  async function enterPassword(): Promise<void> {
    await type('Email', user.email)
    await type('Password', user.password)
    await press(button('Sign in'), 'Verify your identity')
  }
  const overview = async (control: Locator) => {
    await tabTo(control)
    await page.keyboard.press('Enter')
    await page.waitForURL('/')
  }

  test('an authenticator app is set up from the account page', async () => {
    await page.goto('/account')
    await press(link('Manage second factors'), 'Sign-in security')
    await press(link('Set up'), 'Verify your identity')
    await type('Password', user.password)
    await press(button('Continue'), 'Set up an authenticator app')
    expect(await page.getByRole('img', { name: 'QR code for the authenticator app' }).count()).toBe(1)
    secret = (await page.locator('main code').innerText()).replaceAll(' ', '')
    await type('Code', await totpCode(secret, totpStep(new Date()) - 1))
    await press(button('Confirm'), 'Recovery codes')
    codes = (await page.locator('#codes').innerText()).trim().split('\n')
    expect(codes).toHaveLength(10)
    await press(link('Done'), 'Sign-in security')
  })

  test('its code completes a sign-in, and a wrong code is reported at its field', async () => {
    await signOut()
    await enterPassword()
    expect(await field('Code').evaluate((element) => element === document.activeElement)).toBe(true)
    await type('Code', '000000x')
    await press(button('Continue'), 'Verify your identity')
    const described = (await field('Code').getAttribute('aria-describedby')) ?? ''
    const texts = described.split(' ').map((id) => page.locator(`#${id}`).innerText())
    expect((await Promise.all(texts)).join(' ')).toContain('incorrect')
    await field('Code').press('Control+A')
    await type('Code', await totpCode(secret, totpStep(new Date())))
    await overview(button('Continue'))
  })

  test('a passkey is created, confirmed with a recovery code', async () => {
    await page.goto('/account/security')
    await press(link('Add a passkey'), 'Verify your identity')
    await type('Password', user.password)
    await type('Code', codes[0] ?? '')
    await press(button('Continue'), 'Create a passkey')
    await type('Name', 'Laptop')
    await press(button('Create passkey'), 'Sign-in security')
    expect(await page.getByRole('cell', { name: /^Laptop/ }).count()).toBe(1)
  })

  test('the passkey signs in without a password, and after it', async () => {
    await signOut()
    await overview(button('Sign in with a passkey'))
    await signOut()
    await enterPassword()
    await overview(button('Use a passkey'))
    expect(new URL(page.url()).pathname).toBe('/')
  })

  test('the passkey confirms its own removal', async () => {
    await page.goto('/account/security')
    await press(link('Remove Laptop'), 'Verify your identity')
    await type('Password', user.password)
    await press(button('Use a passkey'), 'Sign-in security')
    expect(await page.getByText('The passkey was removed.').count()).toBe(1)
  })

  test('no page broke a rule of the browser', () => {
    expect(tab.faults).toEqual([])
  })
})
