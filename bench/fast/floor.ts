/**
 * @module The floor: a bare Hono handler that sends the statements of a route in one request. `PUT /:name` stores statements,
 * `GET /:name` sends them, and `POST /:name` sends them with the parameters in the body.
 */
import { type NeonQueryFunction } from '@neondatabase/serverless'
import { Hono } from 'hono'

export interface Statement {
  query: string
  params: (string | null)[]
}

export function createFloor(sql: NeonQueryFunction<false, false>): Hono {
  const routes = new Map<string, Statement[]>()
  const send = async (statements: Statement[]): Promise<unknown> => {
    const [first] = statements
    if (!first) return []
    if (statements.length === 1) return sql.query(first.query, first.params)
    return sql.transaction(statements.map(({ query, params }) => sql.query(query, params)))
  }
  return new Hono()
    .put('/:name', async (c) => {
      routes.set(c.req.param('name'), await c.req.json())
      return c.body(null, 204)
    })
    .get('/:name', async (c) => c.json(await send(routes.get(c.req.param('name')) ?? [])))
    .post('/:name', async (c) => {
      const params: Statement['params'][] = await c.req.json()
      const statements = routes.get(c.req.param('name')) ?? []
      return c.json(
        await send(statements.map(({ query }, index) => ({ query, params: params[index] ?? [] }))),
      )
    })
}
