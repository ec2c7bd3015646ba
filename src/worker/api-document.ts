/** @module The OpenAPI document and the page `/docs` on Workers: written by `npm run build:worker`, served from a static asset. */
import type { Hono } from 'hono'
import type { ApiDocument } from '../http/api-document.tsx'
import { readDataFile } from './data-files.ts'

/** @param serverUrl the public URL of the server */
export async function loadApiDocument(_app: Hono, serverUrl: string): Promise<ApiDocument> {
  const { document, page } = (await readDataFile('api')) as ApiDocument
  const servers = document.servers?.map((server) => Object.assign({}, server, { url: serverUrl }))
  return { document: { ...document, ...(servers && { servers }) }, page }
}
