/** @module The OpenAPI document and the page `/docs`, generated from the routes. On Workers, `#api-document` reads them instead. */
import type { Hono } from 'hono'
import { html } from 'hono/html'
import type { OpenAPIV3_1 } from 'openapi-types'
import { openApiDocument } from './openapi-document.ts'
import { Reference } from './reference.tsx'

export interface ApiDocument {
  document: OpenAPIV3_1.Document
  /** HTML. */
  page: string
}

/** @param serverUrl the public URL of the server */
export async function loadApiDocument(app: Hono, serverUrl: string): Promise<ApiDocument> {
  const document = await openApiDocument(app, serverUrl)
  const page = await html`<!doctype html>${<Reference document={document} />}`
  return { document, page: String(page) }
}
