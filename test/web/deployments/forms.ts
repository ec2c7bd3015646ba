/** @module A signed-in browser against the n8n stub, which reads pages and submits forms. */
import { createApp } from '../../../src/app.ts'
import { createDeployWorld, type DeployWorld, orders } from '../../deployments/deploy-world.ts'
import { parsePage } from '../../harness/dom.ts'
import { browser, type Browser, type Page, signedInBrowser } from '../browser.ts'

export { orders }

export interface Person extends Browser {
  userId: string
  /** Submits a form and follows one redirect. */
  submit: (path: string, fields?: Record<string, string>) => Promise<Page & { at: string }>
  addServer: (name?: string, url?: string) => Promise<string>
  workflow: (workflow?: object, prompt?: string | null) => Promise<string>
  change: (id: string, workflow: object) => Promise<void>
  credential: (name?: string, type?: string, data?: Record<string, unknown>) => Promise<string>
  /** Deploys through the plan page. Returns the deployment's page. */
  deploy: (workflowId: string, instanceId: string, more?: string) => Promise<Page & { at: string }>
}

export async function createFormWorld() {
  const world = await createDeployWorld()
  const app = () => createApp(world.deps)

  async function person(): Promise<Person> {
    const tab = await signedInBrowser({ app: app(), deps: world.deps } as never)
    return personOf(world, tab, tab.userId)
  }

  return { world, stub: world.stub, person, stranger: () => browser(app()), close: () => world.close() }
}

function personOf(world: DeployWorld, tab: Browser, userId: string): Person {
  const { stub } = world
  const submit: Person['submit'] = async (path, fields = {}) => {
    const answer = await tab.post(path, fields)
    if (answer.location === null) return { ...answer, at: path }
    return { ...(await tab.get(answer.location)), at: answer.location }
  }
  return {
    ...tab,
    userId,
    submit,
    addServer: async (name = 'prod-eu-1', baseUrl = stub.baseUrl) => {
      const answer = await tab.post('/instances', { name, baseUrl, apiKey: stub.apiKey, test: 'yes' })
      return String(answer.location).split('/').at(-1) ?? ''
    },
    workflow: async (workflow = orders(), prompt = 'Post each order to Slack.') =>
      (await world.deps.workflows.create(userId, { workflow, prompt })).id,
    change: async (id, workflow) => {
      await world.deps.workflows.update(userId, id, null, { workflow })
    },
    credential: async (name = 'Slack ops-bot', type = 'slackApi', data = { accessToken: `xoxb-${name}` }) => {
      const made = await world.deps.credentials.create(userId, { type, name, data })
      return made?.id ?? ''
    },
    deploy: async (workflowId, instanceId, more = '') => {
      const plan = await tab.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}${more}`)
      return submit('/deployments', fieldsOf(plan.text, '/deployments'))
    },
  }
}

/** What a browser submits for the form that posts to `action`. */
export const fieldsOf = (html: string, action: string): Record<string, string> => parsePage(html).form(action)

/** The text of the main element. */
export const textOf = (html: string): string => parsePage(html).text
