import { Hono } from 'hono'
import { notFound, requireFound } from '../../errors.ts'
import type { AuthEnv } from '../../http/auth.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { IdParam } from '../../lib/scalars.ts'
import { ExecutionValues, ValueStorage, ValueStorageChange } from './contract.ts'
import { toExecutionValues } from './read.ts'
import type { RunValues } from './repository.ts'

export function executionValueRoutes(values: Pick<RunValues, 'valuesOf'>) {
  return new Hono<AuthEnv>().get(
    '/:id/values',
    describe({
      operationId: 'getExecutionValues',
      tag: 'Executions',
      summary: 'Get the stored values of an execution',
      description:
        'Returns what each node received and returned, with secrets redacted. Values are stored only for workflows ' +
        'with value storage. Fails with `not-found` if the execution has none. Each read by an access token is ' +
        'an audit event.',
      responses: { 200: ExecutionValues },
      errors: ['not-found', 'values-undecryptable', 'key-unavailable'],
    }),
    valid('param', IdParam),
    async (c) => {
      const { id } = c.req.valid('param')
      const found = requireFound(await values.valuesOf(c.var.userId, id), 'Stored values')
      return c.json(toExecutionValues(id, found.values, found.expiresAt), 200)
    },
  )
}

export function valueStorageRoutes(values: Pick<RunValues, 'storageOf' | 'turnOn' | 'turnOff'>) {
  const tag = 'Workflows'
  const path = '/:id/value-storage'
  return new Hono<AuthEnv>()
    .get(
      path,
      describe({
        operationId: 'getValueStorage',
        tag,
        summary: 'Get the value storage of a workflow',
        description: 'Fails with `not-found` if the values of its executions are not stored.',
        responses: { 200: ValueStorage },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(requireFound(await values.storageOf(c.var.userId, id), 'Value storage'), 200)
      },
    )
    .put(
      path,
      describe({
        operationId: 'updateValueStorage',
        tag,
        summary: 'Store the values of executions',
        description:
          'Stores what each node receives and returns, for executions that are recorded from now on: the first items, ' +
          'with secrets redacted, encrypted. Also changes the retention and the maximum size. Only a person can do this: no access token ' +
          'can use this route.',
        responses: { 200: ValueStorage },
        errors: ['invalid', 'not-found'],
      }),
      valid('param', IdParam),
      valid('json', ValueStorageChange),
      async (c) => {
        const { id } = c.req.valid('param')
        const storage = await values.turnOn(c.var.userId, id, c.req.valid('json'))
        return c.json(requireFound(storage, 'Workflow'), 200)
      },
    )
    .delete(
      path,
      describe({
        operationId: 'deleteValueStorage',
        tag,
        summary: 'Stop storing values and delete them',
        description: 'Deletes all stored values of the workflow. This cannot be undone.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const { id } = c.req.valid('param')
        if (!(await values.turnOff(c.var.userId, id))) throw notFound('Value storage')
        return c.body(null, 204)
      },
    )
}
