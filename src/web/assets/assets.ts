/** @module Static assets. Their names contain a digest, so browsers may cache them forever. */
import { clientScript } from './client.generated.ts'
import { interFont } from './inter.generated.ts'
import { stylesheet } from './stylesheet.ts'

export interface Asset {
  /** Absolute path: /assets/<name>.<digest>.<extension> */
  path: string
  mediaType: string
  body: () => string | Uint8Array<ArrayBuffer>
}

/** FNV-1a over UTF-16 units with two seeds. Distinguishes releases; not for security. */
function digest(text: string): string {
  let first = 0x811c9dc5
  let second = 0x9747b28c
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    first = Math.imul(first ^ unit, 0x01000193)
    second = Math.imul(second ^ unit, 0x85ebca6b)
  }
  return [first, second].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

const path = (name: string, extension: string, text: string) => `/assets/${name}.${digest(text)}.${extension}`

const fontPath = path('inter', 'woff2', interFont)
const style = stylesheet(fontPath)

/** The favicon: the logo in white on the accent color. */
const favicon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6.5" fill="#4A43C9"/><path d="M6 18V6.5h2.5v2h2.25v-2h2.5v2h2.25v-2H18V18M6 18h3.5v-2.5a2.5 2.5 0 0 1 5 0V18H18" fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></svg>`

export const assets = {
  font: {
    path: fontPath,
    mediaType: 'font/woff2',
    body: () => Uint8Array.from(atob(interFont), (char) => char.charCodeAt(0)),
  },
  style: { path: path('style', 'css', style), mediaType: 'text/css; charset=utf-8', body: () => style },
  script: {
    path: path('client', 'js', clientScript),
    mediaType: 'text/javascript; charset=utf-8',
    body: () => clientScript,
  },
  icon: { path: path('icon', 'svg', favicon), mediaType: 'image/svg+xml', body: () => favicon },
} satisfies Record<string, Asset>
