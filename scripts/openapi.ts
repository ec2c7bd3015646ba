/** @module Builds the OpenAPI document without a server or a database. */
import bcrypt from '@node-rs/bcrypt'
import type { OpenAPIV3_1 } from 'openapi-types'
import { createApp } from '../src/app.ts'
import { generateKeys } from '../src/cli/server/state.ts'
import { parseConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import type { ApiDocument } from '../src/http/api-document.tsx'

export const offlineDocument = async (): Promise<OpenAPIV3_1.Document> => (await offlineApi()).document

export async function offlineApi(): Promise<ApiDocument> {
  const config = parseConfig({
    ...generateKeys(),
    DATABASE_URL: 'postgresql://nobody@localhost/nothing',
    PUBLIC_URL: 'http://127.0.0.1:8787',
  })
  const deps = createDeps(config, {
    name: 'node',
    compareBcrypt: bcrypt.compare,
    maxHashesInFlight: 1,
    defer: () => undefined,
    clientIp: () => '127.0.0.1',
    writeLog: () => undefined,
    now: () => new Date(),
    instanceFetch: () => Promise.reject(new Error('Offline')),
    publicFetch: () => Promise.reject(new Error('Offline')),
    databaseFetch: () => Promise.reject(new Error('Offline')),
  })
  const app = createApp(deps)
  const [document, page] = await Promise.all([app.request('/openapi.json'), app.request('/docs')])
  return { document: (await document.json()) as OpenAPIV3_1.Document, page: await page.text() }
}
