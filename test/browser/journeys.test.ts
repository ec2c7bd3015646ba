/** The main tasks in Chromium: sign in, find a failed run, deploy and roll back, create a credential. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Account, makeAccount, runOf, secret } from './account.ts'
import { hasChromium, type Tab } from './chromium.ts'
import { inChromium, signIn, useSite } from './site.ts'

const failure = { message: 'The service refused the request: channel_not_found', httpCode: '404' }

const save = (page: Page) => page.locator('#credential-form button.primary').click()

describe.skipIf(!hasChromium)(inChromium('the dashboard in Chromium'), () => {
  const site = useSite()
  let account: Account
  let tab: Tab

  beforeAll(async () => {
    account = await makeAccount(site)
    await account.report(
      runOf({ id: '101', minutesAgo: 50 }),
      runOf({ id: '102', minutesAgo: 40, failure }),
      runOf({ id: '103', minutesAgo: 30 }),
    )
    tab = await site.signedIn(account)
  })

  test('signs in, returns to the requested page, and signs out', async () => {
    const guest = await site.tab()
    await guest.page.goto('/executions?status=failed')
    await expect.poll(() => guest.page.url()).toContain('/sign-in')
    await guest.page.getByLabel('Email').fill(account.email)
    await guest.page.getByLabel('Password').fill('not the password')
    await guest.page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await guest.page.getByText('No account matches this email address and password').waitFor()
    await guest.page.getByLabel('Password').fill(account.password)
    await guest.page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await guest.page.waitForURL('/executions?status=failed')
    await guest.page.getByRole('button', { name: 'Sign out' }).click()
    await guest.page.goto('/executions')
    await expect.poll(() => guest.page.url()).toContain('/sign-in')
    expect(guest.faults).toEqual([])
  })

  test('filters runs by URL and by form, and keeps the filter in the URL', async () => {
    const { page } = tab
    const rows = page.locator('main [data-row]')
    await page.goto('/executions')
    expect(await rows.count()).toBe(3)
    await page.goto('/executions?status=failed')
    expect(await rows.count()).toBe(1)
    await page.goto('/executions')
    await page.getByLabel('Workflow, error or #number').fill('channel_not_found')
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=channel_not_found/)
    expect(await rows.count()).toBe(1)
    await page.getByRole('link', { name: 'Clear filters' }).first().click()
    await page.waitForURL(/\/executions$/)
    expect(await rows.count()).toBe(3)
  })

  test('opens a failed run with the failed node and its error', async () => {
    const { page } = tab
    await page.goto('/executions?status=failed')
    await page.locator('main [data-row]').first().click()
    await page.waitForURL(/\/executions\/[0-9a-f-]{36}/)
    const main = await page.locator('main').innerText()
    expect(main).toContain('Watched orders')
    expect(main).toContain('Tell the team')
    expect(main).toContain(failure.message)
  })

  test('deploys a workflow by its plan, deploys the next version and rolls back', async () => {
    const { page } = tab
    const live = () => {
      const found = [...site.stub.state.workflows.values()].find(({ name }) => name === 'Orders to Slack')
      return { isPublished: (found?.activeVersionId ?? null) !== null, text: JSON.stringify(found?.nodes) }
    }
    await page.goto(
      `/deployments/new?workflow=${account.workflowId}&instance=${account.instanceId}&version=1`,
    )
    await page.getByRole('button', { name: /^Deploy/ }).click()
    await page.waitForURL(/\/deployments\/[0-9a-f-]{36}$/)
    const deployment = new URL(page.url()).pathname
    expect(await page.locator('main').innerText()).toContain('Live')
    expect(live()).toMatchObject({ isPublished: true, text: expect.not.stringContaining('New: ') })

    await page.goto(
      `/deployments/new?workflow=${account.workflowId}&instance=${account.instanceId}&version=2`,
    )
    await page.getByRole('button', { name: /^Deploy/ }).click()
    await page.waitForURL(new RegExp(`${deployment}$`))
    expect(live().text).toContain('New: ')

    await page.locator(`a[href="${deployment}/rollback?version=1"]`).first().click()
    await page.waitForURL(/rollback/)
    await page.getByRole('button', { name: /^(Roll back|Deploy)/ }).click()
    await page.waitForURL(new RegExp(`${deployment}$`))
    expect(live()).toMatchObject({ isPublished: true, text: expect.not.stringContaining('New: ') })
  })

  test('creates and changes a credential in the form of its type, and never shows a secret', async () => {
    const { page } = tab
    const password = 'a-password-that-nobody-sees'
    await page.goto('/credentials/new/postgres')
    await page.getByLabel('Name', { exact: true }).fill('Orders database')
    await page.getByLabel('Host', { exact: true }).fill('db.example.com')
    await page.getByLabel(/^Password/).fill(password)
    await page.getByLabel('Port', { exact: true }).fill('5433')
    await save(page)
    await page.waitForURL(/\/credentials\/[0-9a-f-]{36}/)
    const path = new URL(page.url()).pathname
    expect(await page.locator('main').innerText()).toContain('Orders database')
    expect(await page.content()).not.toContain(password)

    await page.goto(`${path}/edit`)
    expect(await page.content()).not.toContain(password)
    expect(await page.locator('[name="data.password"]').inputValue()).toBe('')
    await page.getByLabel('Name', { exact: true }).fill('Orders replica')
    await save(page)
    await page.waitForURL(new RegExp(`${path}$`))
    expect(await page.locator('main').innerText()).toContain('Orders replica')
    const id = path.split('/').at(-1) ?? ''
    const opened = await site.app.deps.credentials.open(account.id, id)
    expect(opened?.data.reveal()).toMatchObject({ host: 'db.example.com', port: 5433, password })
  })

  test('shows errors of a credential at their fields and keeps the input', async () => {
    const { page } = tab
    await page.goto('/credentials/new/slackApi')
    await page.getByLabel('Name', { exact: true }).fill('Team Slack')
    await page.getByLabel(/^Access token/i).fill(secret)
    await save(page)
    const name = page.getByLabel('Name', { exact: true })
    await expect.poll(() => name.getAttribute('aria-invalid')).toBe('true')
    expect(await name.inputValue()).toBe('Team Slack')
    expect(await page.content()).not.toContain(secret)
  })

  test('reports no script error during all of this', () => {
    expect(tab.faults).toEqual([])
  })

  test('works without JavaScript', async () => {
    const plain = await site.tab({ javaScriptEnabled: false })
    const { page } = plain
    await signIn(plain, account.email, account.password)
    await page.goto('/executions')
    await page.getByLabel('Workflow, error or #number').fill('channel_not_found')
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=channel_not_found/)
    expect(await page.locator('main [data-row]').count()).toBe(1)
    await page.goto('/credentials/new/postgres')
    await page.getByLabel('Name', { exact: true }).fill('Without script')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/credentials\/[0-9a-f-]{36}/)
    expect(await page.locator('main').innerText()).toContain('Without script')
  })
})
