/** TLS to a real Postgres, with certificates of a certificate authority of its own. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkConnection } from '../../src/cli/operate/connection-check.ts'
import { openDatabase } from '../../src/cli/operate/database.ts'
import { libpqTls, tlsOf } from '../../src/cli/operate/database-tls.ts'
import { createDb } from '../../src/db/client.ts'
import { type PostgresServer, startPostgres } from '../harness/postgres-server.ts'

describe('the level of verification', () => {
  const caFile = import.meta.filename
  test.each([
    ['localhost', '', undefined, 'none'],
    ['127.0.0.1', '', undefined, 'none'],
    ['[::1]', '', undefined, 'none'],
    ['postgres', '', undefined, 'none'],
    ['10.0.0.5', '', undefined, 'none'],
    ['db.internal', '', undefined, 'none'],
    ['db.example.com', '', undefined, 'verified'],
    ['8.8.8.8', '', undefined, 'verified'],
    ['db.example.com', '?sslmode=require', undefined, 'verified'],
    ['db.example.com', '?sslmode=prefer', undefined, 'verified'],
    ['db.example.com', '?uselibpqcompat=true&sslmode=require', undefined, 'verified'],
    ['db.example.com', '?sslmode=verify-ca', undefined, 'verified'],
    ['db.example.com', '?sslrootcert=system', undefined, 'verified'],
    ['db.example.com', '?sslmode=disable', undefined, 'none'],
    ['db.example.com', '?ssl=false', undefined, 'none'],
    ['db.example.com', '?ssl=true', undefined, 'verified'],
    ['db.example.com', '?sslmode=no-verify', undefined, 'unverified'],
    ['db.example.com', '?ssl=no-verify', undefined, 'unverified'],
    ['10.0.0.5', '?sslmode=require', undefined, 'verified'],
    ['localhost', '?sslmode=verify-full', undefined, 'verified'],
    ['10.0.0.5', '', 'PGSSLMODE', 'verified'],
  ])('%s%s is %4$s', (host, query, variable, level) => {
    const env = variable === undefined ? {} : { [variable]: 'require' }
    const tls = tlsOf(`postgresql://u:p@${host}/d${query}`, env)
    expect(tls.level).toBe(level)
    expect(tls.ssl === false ? 'none' : tls.ssl.rejectUnauthorized).toBe(
      level === 'none' ? 'none' : level === 'verified',
    )
    expect(tls.connectionString).not.toMatch(/ssl/)
  })

  test('rejects an unknown sslmode', () => {
    expect(() => tlsOf('postgresql://u:p@h/d?sslmode=verify', {})).toThrow('sslmode must be one of')
  })

  test('rejects a file that is missing or not PEM', () => {
    const withFile = (path: string) => () => tlsOf('postgresql://u:p@h/d', { DATABASE_CA_FILE: path })
    expect(withFile('/nowhere/ca.pem')).toThrow('The file /nowhere/ca.pem cannot be read (ENOENT)')
    expect(withFile(join(import.meta.dirname, '../../package.json'))).toThrow('is not in PEM format')
  })

  test('ignores the file for Neon, which public authorities sign', () => {
    const tls = tlsOf('postgresql://u:p@ep-x.eu-central-1.aws.neon.tech/d', { DATABASE_CA_FILE: caFile })
    expect([tls.level, tls.caFile]).toEqual(['verified', undefined])
  })
})

describe('a server with a certificate of its own authority', () => {
  let folder: string
  let server: PostgresServer
  const path = (name: string) => join(folder, name)
  /** @param command without quotes: arguments contain no spaces */
  const openssl = (command: string) =>
    execFileSync('openssl', command.split(' '), { cwd: folder, stdio: 'pipe' })

  const createAuthority = (name: string) =>
    openssl(
      `req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=${name} -keyout ${name}.key -out ${name}.pem`,
    )
  /** Opens the database as `serve` does. @returns the version of TLS that the server sees, or the error */
  const connect = async (query: string, caFile?: string, host = 'localhost') => {
    const url = new URL(server.url)
    url.hostname = host
    const before = process.env.DATABASE_CA_FILE
    if (caFile === undefined) delete process.env.DATABASE_CA_FILE
    else process.env.DATABASE_CA_FILE = path(caFile)
    try {
      const database = openDatabase(`${url.href}${query}`)
      try {
        await database.opened()
        const { $client } = createDb({
          databaseUrl: database.url,
          ...(database.fetch && { fetch: database.fetch }),
        })
        const [row] = await $client`select version from pg_stat_ssl where pid = pg_backend_pid()`
        return row?.['version'] ?? 'no TLS'
      } finally {
        await database.close()
      }
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    } finally {
      if (before === undefined) delete process.env.DATABASE_CA_FILE
      else process.env.DATABASE_CA_FILE = before
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flowkeep-tls-'))
    createAuthority('ca')
    createAuthority('other')
    await writeFile(path('ext'), 'subjectAltName=DNS:localhost')
    openssl('req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr')
    openssl(
      'x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out server.crt',
    )
    await writeFile(
      path('both.pem'),
      `${await readFile(path('other.pem'), 'utf8')}${await readFile(path('ca.pem'), 'utf8')}`,
    )
    server = await startPostgres({
      crt: await readFile(path('server.crt'), 'utf8'),
      key: await readFile(path('server.key'), 'utf8'),
    })
  }, 120_000)
  afterAll(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test.each([
    ['', 'ca.pem'],
    ['?sslmode=require', 'ca.pem'],
    ['?sslmode=verify-full', 'both.pem'],
    ['?sslmode=no-verify', undefined],
  ])('%j with %s connects over TLS', async (query, caFile) => {
    expect(await connect(query, caFile)).toMatch(/^TLSv1\.[23]$/)
  })

  test('sslrootcert in the URL is the same as DATABASE_CA_FILE', async () => {
    const file = encodeURIComponent(path('ca.pem'))
    expect(await connect(`?sslmode=verify-full&sslrootcert=${file}`)).toMatch(/^TLSv1/)
  })

  test('another authority is refused, with the file in the message', async () => {
    expect(await connect('', 'other.pem')).toBe(
      `The certificate of localhost:${new URL(server.url).port} is not signed by a certificate authority in ` +
        `${path('other.pem')}. Get the current file from the provider or the server's administrator.`,
    )
  })

  test.each(['?sslmode=require', '?sslmode=verify-ca', '?uselibpqcompat=true&sslmode=require'])(
    '%s without a file is refused, not connected without verification',
    async (query) => {
      expect(await connect(query)).toMatch(
        /not signed by a trusted certificate authority\. Set DATABASE_CA_FILE/,
      )
    },
  )

  test('another host name is refused, unless only the authority is verified', async () => {
    expect(await connect('', 'ca.pem', '127.0.0.1')).toMatch(/is for another host name\. Use the name/)
    expect(await connect('?sslmode=verify-ca', 'ca.pem', '127.0.0.1')).toMatch(/^TLSv1/)
    expect(await connect('?sslmode=verify-ca', 'other.pem', '127.0.0.1')).toMatch(/not signed by/)
  })

  test('without sslmode and file, a connection on loopback is not encrypted', async () => {
    expect(await connect('')).toBe('no TLS')
  })

  test('pg_dump gets the same verification', () => {
    const of = (query: string, file?: string) =>
      libpqTls(tlsOf(`${server.url}${query}`, { DATABASE_CA_FILE: file && path(file) }))
    expect(of('', 'ca.pem')).toEqual({ PGSSLROOTCERT: path('ca.pem'), PGSSLMODE: 'verify-full' })
    expect(of('?sslmode=verify-ca', 'ca.pem')).toMatchObject({ PGSSLMODE: 'verify-ca' })
    expect(of('?sslmode=require')).toEqual({})
  })
})

test('a server without TLS is reported as such', async () => {
  const server = await startPostgres()
  try {
    await expect(checkConnection(`${server.url}?sslmode=require`)).rejects.toThrow(
      'does not support TLS. Turn it on (ssl = on), or add sslmode=disable',
    )
  } finally {
    await server.stop()
  }
})
