/** @module The `user:password` part of a URL or connection string. Linear over one text. */
import { isPlaceholder } from './values.ts'
import { isRandom } from './random-text.ts'

/** A more distant `@` does not belong to the URL. */
const maxChars = 512
const authority = /[^\s"'`<>/?#\\]{0,512}/y
const wider = /[^\s"'`<>\\]{0,512}/y
const encodedAuthority = /(?:[^\s"'`<>/?#\\&%]|%(?!2[Ff]|3[Ff]|40)[0-9A-Fa-f]{2}){1,512}(?=%40)/y

export class Userinfo {
  readonly #text: string
  /** Index of the next `@` found so far; the text's length when there is none. */
  #nextAt = -1

  constructor(text: string) {
    this.#text = text
  }

  /** @param start index after `://`. @returns the index of the `@`, or -1 */
  endOf(start: number): number {
    const text = this.#text
    if (this.#nextAt < start) {
      const next = text.indexOf('@', start)
      this.#nextAt = next < 0 ? text.length : next
    }
    if (this.#nextAt - start > maxChars || this.#nextAt === text.length) return -1
    authority.lastIndex = start
    const host = authority.exec(text)?.[0] ?? ''
    const at = host.lastIndexOf('@')
    if (at >= 0) return isSecretUserinfo(host.slice(0, at)) ? start + at : -1
    // Passwords may contain an unescaped slash, question mark or hash, but a port after the colon is not a password.
    if (!/^[^:[\]]{0,128}:(?!\d{1,5}$)(?!$)/.test(host)) return -1
    wider.lastIndex = start
    const rest = wider.exec(text)?.[0] ?? ''
    const later = rest.lastIndexOf('@')
    // `;name=` starts a parameter, so the `@` belongs to its value.
    const isUserinfo = later >= 0 && !/;\s?[A-Za-z ]{2,32}=/.test(rest.slice(0, later))
    return isUserinfo && isSecretUserinfo(rest.slice(0, later)) ? start + later : -1
  }

  /** `endOf` for a percent-encoded URL. @param start index after `%3A%2F%2F`. @returns the index of the `%40`, or -1 */
  encodedEndOf(start: number): number {
    encodedAuthority.lastIndex = start
    const found = encodedAuthority.exec(this.#text)?.[0]
    const isSecret = found !== undefined && isSecretUserinfo(found.replaceAll(/%3[Aa]/g, ':'))
    return isSecret ? start + found.length : -1
  }
}

const noUser =
  /^(?:mailto|sips?|tel|xmpp|acct|e?-?mail|from|to|cc|bcc|by|user(?:name)?|login|contact|owner|author|https?|ssh|git|npm|at)$/i
const bareUser = /(?:^|[^\w.%+-])([\w.%+-]{1,64}):([^\s"'`<>/:()\\,;]{4,128})$/
const oracleUser = /(?:^|[\s"'=])([\w$#]{1,64})\/([^\s"'`<>/@\\]{4,128})$/
const hostWithPort = /^@(?:\w{2,8}\(|(?:\/\/)?[\w.-]{1,128}:\d{2,5})/
const host = /^@(?:[\w-]{1,63}\.)+[a-z]{2,24}\b/

/** `user:password@host` without a protocol. @param at index of the `@`. @returns the start of the password, or -1 */
export function passwordBefore(text: string, at: number): number {
  const rest = text.slice(at, at + 160)
  const hasPort = hostWithPort.test(rest)
  if (!hasPort && !host.test(rest)) return -1
  const before = text.slice(Math.max(0, at - 200), at)
  const match = bareUser.exec(before) ?? (hasPort ? oracleUser.exec(before) : null)
  const [, user = '', password = ''] = match ?? []
  if (match === null || noUser.test(user) || isPlaceholder(password)) return -1
  const isMixed = /\d/.test(password) && /[A-Za-z]/.test(password) && !/^\d+\w?$/.test(user)
  return hasPort || isMixed ? at - password.length : -1
}

function isSecretUserinfo(userinfo: string): boolean {
  const colon = userinfo.indexOf(':')
  if (colon < 0) return isRandom(userinfo, 16)
  const password = userinfo.slice(colon + 1)
  return password !== '' ? !isPlaceholder(password) : isRandom(userinfo.slice(0, colon), 12)
}
