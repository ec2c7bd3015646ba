/** @module `npm run client`: builds `packages/client` from its sources and the OpenAPI document. */
import { resolve } from 'node:path'
import { buildClient } from './build-client.ts'
import { offlineDocument } from './openapi.ts'

await buildClient(await offlineDocument(), resolve(import.meta.dirname, '../packages/client'))
