/** Workers limit the subrequests of a request: what one target costs decides how many a request works on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createReleaseWorld, orders, type ReleaseWorld } from './release-world.ts'

let databaseRequests = 0
let world: ReleaseWorld
beforeAll(async () => {
  world = await createReleaseWorld({ onDatabaseRequest: () => void (databaseRequests += 1) })
})
afterAll(() => world.close())

test('a target takes a bounded number of requests to the database and to n8n', async () => {
  const costs: number[][] = []
  for (const count of [1, 5]) {
    const user = await world.user(count)
    const workflowId = await user.workflow(orders())
    const measured = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
      const before = databaseRequests + world.n8nCalls
      const value = await work()
      await world.settle()
      return [value, databaseRequests + world.n8nCalls - before]
    }
    const body = {
      workflows: [{ workflowId }],
      instanceIds: user.instanceIds,
      observe: { seconds: 0 },
      canary: 0,
    }
    const [planned, planning] = await measured(() => user.made('/v1/releases', { ...body, dryRun: true }))
    const [, deploying] = await measured(() =>
      user.api('POST', `/v1/releases/${planned.id}/start`, { planHash: planned.planHash }),
    )
    const [, rollingBack] = await measured(() => user.api('POST', `/v1/releases/${planned.id}/rollback`))
    expect((await user.api('GET', `/v1/releases/${planned.id}`)).json.status).toBe('rolled-back')
    costs.push([planning, deploying, rollingBack])
  }
  const perTarget = costs[1]!.map((cost, index) => (cost - costs[0]![index]!) / 4)
  expect(Math.max(...perTarget)).toBeLessThanOrEqual(35)
})
