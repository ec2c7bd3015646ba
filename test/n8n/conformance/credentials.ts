/** @module Rows of the conformance table: credentials. */
import { expect } from 'vitest'
import {
  CREDENTIALS,
  CREDENTIAL_KEYS,
  type Json,
  type Memory,
  type Row,
  createCredential,
  credential,
  keep,
  list,
  run,
  without,
} from './row.ts'

export const credentials: Record<string, Row[]> = {
  credentials: [
    createCredential('a plain one', credential(), 200, { keys: CREDENTIAL_KEYS, check: keep('credential') }),
    createCredential('an id of ours', credential({ id: `c-_${run}` }), 200, { like: { id: `c-_${run}` } }),
    createCredential('that id again', credential({ id: `c-_${run}` }), 409),
    createCredential('16 characters', credential({ id: `${run}${'x'.repeat(16 - run.length)}` })),
    ...['x'.repeat(17), 'a b', '', null, 4].map((id) =>
      createCredential(`no id ${JSON.stringify(id)}`, credential({ id }), 400),
    ),
    ...['name', 'type', 'data'].map((key) => createCredential(`no ${key}`, without(credential(), key), 400)),
    createCredential('empty name', credential({ name: '' })),
    createCredential('129 characters', credential({ name: 'x'.repeat(129) })),
    createCredential('a number as name', credential({ name: 1 }), 400),
    createCredential('unknown type', credential({ type: 'nopeApi' }), 400),
    ...[[], null, 'x', { name: 'x', value: 'y', foo: 1 }, { name: 1 }, { name: null }, { nothing: 'x' }].map(
      (data) => {
        return createCredential(`no data ${JSON.stringify(data)}`, credential({ data }), 400)
      },
    ),
    ...[
      {},
      { name: '', value: '' },
      { name: '={{ 1 }}' },
      { allowedHttpRequestDomains: 'none', allowedDomains: 'x' },
    ].map((data) => {
      return createCredential(`data ${JSON.stringify(data)}`, credential({ data }))
    }),
    createCredential('what it does not know', credential({ foo: 1 })),
    createCredential('its own createdAt', credential({ createdAt: '2026-01-01T00:00:00.000Z' }), 400),
    createCredential('a project that is not there', credential({ projectId: 'nope' }), 404),
    createCredential('a required field', { name: 'Slack', type: 'slackApi', data: {} }, 400),
    createCredential('a required field given', {
      name: 'Slack',
      type: 'slackApi',
      data: { accessToken: 'x' },
    }),
    createCredential(
      'a value not offered',
      { name: 'Postgres', type: 'postgres', data: { ssl: 'zzz' } },
      400,
    ),
    createCredential('a value offered', {
      name: 'Postgres',
      type: 'postgres',
      data: { ssl: 'disable', port: 5432 },
    }),
    createCredential('tokens of OAuth', {
      name: 'Google',
      type: 'googleSheetsOAuth2Api',
      data: { clientId: 'a', clientSecret: 'b', oauthTokenData: { access_token: 'x' } },
    }),
    ...Object.entries<[unknown, number]>({
      'a name': [{ name: 'Renamed' }, 200],
      nothing: [{}, 200],
      'what it does not know': [{ foo: 1 }, 200],
      'all data': [{ data: { name: 'x', value: 'z' } }, 200],
      'some data': [{ data: { value: 'q' }, isPartialData: true }, 200],
      'data not its own': [{ data: { foo: 1 } }, 400],
      'a type without data': [{ type: 'slackApi' }, 400],
      'a type with data': [{ type: 'slackApi', data: { accessToken: 'x' } }, 200],
      'an unknown type': [{ type: 'nopeApi', data: {} }, 400],
      'a share': [{ isGlobal: true }, 403],
      'a short name': [{ name: 'x' }, 200],
      'data under a short name': [{ data: { accessToken: 'y' } }, 400],
    }).map(([name, [body, status]]) => ({
      name: `patching ${name}`,
      method: 'PATCH',
      path: (memory: Memory) => `${CREDENTIALS}/${memory.credential}`,
      body,
      status,
      keys: status === 200 ? CREDENTIAL_KEYS : ['message'],
    })),
    {
      name: 'read',
      method: 'GET',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 200,
      keys: CREDENTIAL_KEYS,
    },
    {
      name: 'tested',
      method: 'POST',
      path: (memory) => `${CREDENTIALS}/${memory.credential}/test`,
      status: 200,
      keys: ['status', 'message'],
      like: { status: 'Error' },
    },
    {
      name: 'listed',
      method: 'GET',
      path: `${CREDENTIALS}?limit=1`,
      status: 200,
      keys: ['data', 'nextCursor'],
      check: (body) =>
        expect(Object.keys((body.data as Json[])[0] ?? {}).toSorted()).toEqual([
          'createdAt',
          'id',
          'name',
          'shared',
          'type',
          'updatedAt',
        ]),
    },
    {
      name: 'deleted',
      method: 'DELETE',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 200,
      keys: [...CREDENTIAL_KEYS, 'usageScope'],
    },
    {
      name: 'deleted twice',
      method: 'DELETE',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 404,
      keys: ['message'],
    },
    {
      name: 'read when gone',
      method: 'GET',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      status: 404,
    },
    {
      name: 'patched when gone',
      method: 'PATCH',
      path: (memory) => `${CREDENTIALS}/${memory.credential}`,
      body: {},
      status: 404,
    },
    {
      name: 'tested when gone',
      method: 'POST',
      path: (memory) => `${CREDENTIALS}/${memory.credential}/test`,
      status: 404,
    },
    {
      name: 'schema',
      method: 'GET',
      path: `${CREDENTIALS}/schema/httpHeaderAuth`,
      status: 200,
      check: (body) =>
        expect(body).toEqual({
          additionalProperties: false,
          type: 'object',
          required: [],
          properties: {
            name: { type: 'string' },
            value: { type: 'string' },
            useCustomAuth: { type: 'notice' },
            allowedHttpRequestDomains: { type: 'string', enum: ['all', 'domains', 'none'] },
            allowedDomains: { type: 'string' },
          },
        }),
    },
    {
      name: 'schema of an unknown type',
      method: 'GET',
      path: `${CREDENTIALS}/schema/nopeApi`,
      status: 404,
      keys: ['message'],
    },
    list(`${CREDENTIALS}?limit=251`),
    list(`${CREDENTIALS}?limit=-1`, 400),
  ],
}
