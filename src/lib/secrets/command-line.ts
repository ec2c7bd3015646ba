/** @module Passwords in arguments of known commands: `curl -u user:…`, `mysql -p…`, `sshpass -p …`. */
import type { ValueSpan } from './value-scan.ts'
import { isPlaceholder } from './values.ts'

const user =
  /(?:-[A-Za-z]{0,6}[uU]|--user|--proxy-user)[ =]?(?:\\*["'])?([^\s"'\\:]{1,256}[:%][^\s"'\\]{1,256})/y
const cookies = /(?:-b|--cookie)[ =]{1,4}(?:\\*["'])?([^\s"'\\=@]{1,128}=[^"'\\\n]{1,4096})/y
const glued = /-p(?:\\*["'])?([^\s"'\\-][^\s"'\\]{0,256})/y
const separate = /-[paw][ =]{1,4}(?:\\*["'])?([^\s"'\\-][^\s"'\\]{0,256})/y
const maxCommandChars = 256
const commands = [
  'curl',
  'wget',
  'smbclient',
  'mysql',
  'mariadb',
  'mongo',
  'sshpass',
  'login',
  'redis-cli',
  'ldap',
]
const gluedCommand = /\b(?:mysql\w*|mariadb\w*|7z)\b[^|;&\n]*$/
const separateCommand =
  /\b(?:sshpass|(?:docker|podman|registry|oras|skopeo|az|cf)(?: \w+)? login|login|mongo\w*|redis-cli|ldap\w+|cqlsh)\b[^|;&\n]*$/

export class CommandLine {
  readonly #text: string
  #isCommand: boolean | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** @param dash index of the flag's dash */
  passwordAt(dash: number): ValueSpan | null {
    const text = this.#text
    // In combined flags, such as `curl -su`, the last one takes the value.
    const flags = /^-[A-Za-z]{0,6}[uU](?=[ =])/.exec(text.slice(dash, dash + 9))?.[0]
    const flag = flags?.at(-1) ?? text[dash + 1] ?? ''
    if (!'upabwU-'.includes(flag)) return null
    this.#isCommand ??= commands.some((each) => text.includes(each))
    if (!this.#isCommand) return null
    const command = text.slice(Math.max(0, dash - maxCommandChars), dash)
    if ((flag === 'b' || text.startsWith('--cookie', dash)) && /\bcurl\b/.test(command))
      return this.#match(cookies, dash, (value) => value)
    if (
      flag === 'u' ||
      flag === 'U' ||
      text.startsWith('--user', dash) ||
      text.startsWith('--proxy-user', dash)
    ) {
      if (!/\b(?:curl|wget|smbclient)\b/.test(command)) return null
      return this.#match(user, dash, (value) => value.slice(value.search(/[:%]/) + 1))
    }
    if (flag === 'p' && gluedCommand.test(command)) return this.#match(glued, dash, (value) => value)
    return 'paw'.includes(flag) && separateCommand.test(command)
      ? this.#match(separate, dash, (value) => value)
      : null
  }

  #match(pattern: RegExp, dash: number, passwordOf: (value: string) => string): ValueSpan | null {
    pattern.lastIndex = dash
    const found = pattern.exec(this.#text)?.[1]
    if (found === undefined) return null
    const password = passwordOf(found)
    const isSample =
      isPlaceholder(password) ||
      !/[A-Za-z0-9]{2}/.test(password) ||
      /^(?:pass(?:word)?|PASSWORD)$/i.test(password)
    return isSample ? null : { start: pattern.lastIndex - found.length, end: pattern.lastIndex }
  }
}
