/** @module Serves the guide, `public/docs/guide`, on Node. On Workers, the platform serves it without running the worker. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isNoneMatch } from '../http/etag.ts'

type Fetch<Args extends unknown[]> = (request: Request, ...args: Args) => Response | Promise<Response>

const guideUrl = '/docs/guide'
/** A page, or another file by its name. No path with dots leads out of the folder. */
const guidePath = /^\/docs\/guide(\/[\w-]+)*(\.(css|js|json|svg))?$/
const mediaTypes: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
}

/**
 * Responds to requests for the guide and passes all others on. Paths are those of Workers: `/docs/guide/keys` is the page
 * `keys.html`.
 */
export function withGuide<Args extends unknown[]>(publicFolder: string, fetch: Fetch<Args>): Fetch<Args> {
  let headers: Promise<Record<string, string>> | undefined
  return async (request, ...args) => {
    const { pathname } = new URL(request.url)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead || !pathname.startsWith(guideUrl)) return fetch(request, ...args)
    headers ??= readHeaders(publicFolder)
    if (pathname === `${guideUrl}/`)
      return new Response(null, { status: 307, headers: { ...(await headers), Location: guideUrl } })
    const [isGuide, , , extension = 'html'] = guidePath.exec(pathname) ?? []
    const content = isGuide ? await readGuideFile(publicFolder, pathname) : null
    if (content === null) return fetch(request, ...args)
    const tag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`
    const shared = { ...(await headers), ETag: tag }
    if (isNoneMatch(request.headers.get('If-None-Match') ?? undefined, tag))
      return new Response(null, { status: 304, headers: shared })
    return new Response(request.method === 'HEAD' ? null : content, {
      headers: {
        ...shared,
        'Content-Type': mediaTypes[extension] ?? '',
        'Content-Length': `${content.length}`,
      },
    })
  }
}

async function readGuideFile(publicFolder: string, path: string): Promise<Buffer<ArrayBuffer> | null> {
  const name = path === guideUrl ? `${guideUrl}/index.html` : /\.\w+$/.test(path) ? path : `${path}.html`
  return readFile(join(publicFolder, name)).catch(() => null)
}

/** The headers that `public/_headers` has for the guide. */
async function readHeaders(publicFolder: string): Promise<Record<string, string>> {
  const lines = (await readFile(join(publicFolder, '_headers'), 'utf8')).split('\n')
  const after = lines.slice(lines.indexOf(`${guideUrl}*`) + 1)
  const end = after.findIndex((line) => !line.startsWith(' '))
  const own = end === -1 ? after : after.slice(0, end)
  return Object.fromEntries(
    own.map((line) => {
      const [name = '', ...value] = line.trim().split(': ')
      return [name, value.join(': ')]
    }),
  )
}
