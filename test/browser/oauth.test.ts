/** Connects an app in Chromium, which applies the policy of the consent page to where its form leads. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pkce } from '../oauth/app-client.ts'
import { hasChromium } from './chromium.ts'
import { inChromium, useSite } from './site.ts'

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === '::1'),
)
const hosts = ['127.0.0.1', 'localhost', ...(hasIpv6 ? ['[::1]'] : [])]

describe.skipIf(!hasChromium)(inChromium('connecting an app in Chromium'), () => {
  const site = useSite()
  let agent: Server
  let port: number
  beforeAll(async () => {
    agent = createServer((_, response) => {
      response
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end('<!doctype html><title>Agent</title><p>Agent</p>')
    })
    await new Promise<void>((resolve) => {
      agent.listen(0, resolve)
    })
    port = (agent.address() as AddressInfo).port
  })
  afterAll(async () => {
    agent.closeAllConnections()
    await new Promise((resolve) => agent.close(resolve))
  })

  async function requestFor(redirectUri: string): Promise<string> {
    const registered = await site.app.call('POST', '/oauth/register', {
      body: { client_name: 'Agent', redirect_uris: [redirectUri] },
    })
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: registered.json.client_id,
      redirect_uri: redirectUri,
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      scope: 'workflows:read deploy deploy:production',
      state: 'kept',
    })
    return `${site.url}/oauth/authorize?${query.toString()}`
  }

  test.each(hosts)('signs in, allows and returns to %s', async (host) => {
    const user = await site.app.user()
    const { page, faults } = await site.tab()
    await page.goto(await requestFor(`http://${host}:${port}/callback`))
    await page.getByLabel('Email').fill(user.email)
    await page.getByLabel('Password').fill(user.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Connect Agent' }).waitFor()
    const checked = page.getByRole('checkbox', { checked: true })
    expect(await checked.count()).toBe(2)
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL((url) => url.port === String(port))
    const { searchParams } = new URL(page.url())
    expect(searchParams.get('code')).toMatch(/^[\w-]{43}$/)
    expect(searchParams.get('state')).toBe('kept')
    expect(faults.filter((fault) => !fault.includes(`:${port}/`))).toEqual([])
  })

  test('the window that an app opens finds the app again', async () => {
    const user = await site.app.user()
    const { page, context } = await site.tab()
    await page.goto(`http://127.0.0.1:${port}/`)
    const url = await requestFor(`http://127.0.0.1:${port}/callback`)
    const opened = context.waitForEvent('page')
    await page.evaluate((target) => void window.open(target, 'connect', 'popup'), url)
    const popup = await opened
    await popup.getByLabel('Email').fill(user.email)
    await popup.getByLabel('Password').fill(user.password)
    await popup.getByRole('button', { name: 'Sign in', exact: true }).click()
    await popup.getByRole('button', { name: 'Deny' }).click()
    await popup.waitForURL((address) => address.port === String(port))
    expect(new URL(popup.url()).searchParams.get('error')).toBe('access_denied')
    expect(await popup.evaluate(() => window.opener !== null)).toBe(true)
  })
})
