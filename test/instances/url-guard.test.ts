import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { checkBaseUrl, serverKeyOf } from '../../src/instances/url-guard.ts'

const rules = { allowLoopback: false, publicUrl: 'https://flowkeep.example.org' }
const development = { allowLoopback: true, publicUrl: 'http://localhost:8787' }

const outcome = (url: string, given = rules): string => {
  try {
    return checkBaseUrl(url, given)
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

describe('allowed URLs and their normalized form', () => {
  test.each([
    ['https://n8n.example.com', 'https://n8n.example.com'],
    ['https://n8n.example.com/', 'https://n8n.example.com'],
    ['https://N8N.Example.com:443/team/n8n//', 'https://n8n.example.com/team/n8n'],
    ['https://n8n.example.com:5678', 'https://n8n.example.com:5678'],
    ['https://n8n.example.com:8443/a/../b', 'https://n8n.example.com:8443/b'],
    ['https://münchen.example.com', 'https://xn--mnchen-3ya.example.com'],
    ['https://8.8.8.8', 'https://8.8.8.8'],
    ['https://172.15.255.255', 'https://172.15.255.255'],
    ['https://172.32.0.1', 'https://172.32.0.1'],
    ['https://100.63.255.255', 'https://100.63.255.255'],
    ['https://100.128.0.1', 'https://100.128.0.1'],
    ['https://[2606:4700:4700::1111]', 'https://[2606:4700:4700::1111]'],
    ['https://localhost.example.com', 'https://localhost.example.com'],
  ])('%s', (url, expected) => {
    expect(outcome(url)).toBe(expected)
  })
})

describe('URLs copied from n8n', () => {
  test.each([
    '/api/v1',
    '/api/v1/',
    '/api/v1/docs/',
    '/home/workflows',
    '/home/workflows?projectId=x#top',
    '/home/credentials/',
    '/workflow/abcDEF123',
    '/workflow/abcDEF123/executions/7',
    '/workflow/new?projectId=1',
    '/workflows',
    '/projects/Xy-1/workflows',
    '/executions',
    '/settings/api',
    '/rest',
    '/rest/login',
    '/signin',
    '/signin?redirect=%252Fhome',
    '/setup',
  ])('%s becomes the base URL', (page) => {
    expect(outcome(`https://n8n.example.com${page}`)).toBe('https://n8n.example.com')
    expect(outcome(`https://n8n.example.com:8443/tools/n8n${page}`)).toBe(
      'https://n8n.example.com:8443/tools/n8n',
    )
  })

  test.each(['/restaurant', '/api', '/workflows-n8n', '/home', '/team/signin-proxy', '/apis/v1'])(
    '%s is an ordinary prefix',
    (prefix) => {
      expect(outcome(`https://n8n.example.com${prefix}`)).toBe(`https://n8n.example.com${prefix}`)
    },
  )
})

describe('non-public addresses in every spelling are rejected', () => {
  test.each(
    [
      '127.0.0.1',
      '127.1',
      '127.0.1',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '0x7f.0.0.1',
      '017700000001',
      '0177.0.0.1',
      '127.000.000.001',
      '0127.0.0.1',
      '%31%32%37.0.0.1',
      '１２７.０.０.１',
      '①②⑦.⓪.⓪.①',
      '127。0。0。1',
      '127.0.0.1.',
      '0',
      '0.0.0.0',
      '0x0',
      '10.0.0.1',
      '10.1',
      '167772161',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.0.1',
      '192.168.1',
      '3232235521',
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '0251.0376.0251.0376',
      '100.64.0.1',
      '100.127.255.255',
      '192.0.0.1',
      '192.0.2.1',
      '198.18.0.1',
      '198.19.255.255',
      '198.51.100.1',
      '203.0.113.1',
      '192.88.99.1',
      '224.0.0.1',
      '239.255.255.255',
      '240.0.0.1',
      '255.255.255.255',
      '[::]',
      '[::1]',
      '[0:0:0:0:0:0:0:1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::ffff:8.8.8.8]',
      '[::127.0.0.1]',
      '[::ffff:0:127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[64:ff9b::8.8.8.8]',
      '[64:ff9b:1::1]',
      '[100::1]',
      '[fc00::1]',
      '[fd12:3456::1]',
      '[fe80::1]',
      '[fec0::1]',
      '[ff02::1]',
      '[2002:7f00:1::]',
      '[2001::1]',
      '[2001:0:7f00:1::]',
      '[2001:10::1]',
      '[2001:db8::1]',
      '[3fff::1]',
      '[4000::1]',
      '[5f00::1]',
    ].map((host) => [host]),
  )('https://%s', (host) => {
    expect(outcome(`https://${host}`)).toBe('url-not-allowed')
    expect(outcome(`https://${host}:5678/n8n`)).toBe('url-not-allowed')
  })
})

describe('internal names are rejected', () => {
  test.each(
    [
      'localhost',
      'LOCALHOST',
      'localhost.',
      'a.localhost',
      'ⓛocalhost',
      'n8n',
      'n8n.',
      'metadata',
      'metadata.google.internal',
      'n8n.internal',
      'n8n.local',
      'n8n.local.',
      'printer.lan',
      'box.home.arpa',
      'n8n.example.com.',
      'a..example.com',
      'flowkeep.example.org',
      'FLOWKEEP.example.org',
      'flowkeep.example.org.',
    ].map((host) => [host]),
  )('https://%s', (host) => {
    expect(outcome(`https://${host}`)).toBe('url-not-allowed')
  })
})

describe('anything but a plain HTTPS URL is rejected', () => {
  test.each(
    [
      '',
      'n8n.example.com',
      '//n8n.example.com',
      'https:n8n.example.com',
      'https:/n8n.example.com',
      'https:///n8n.example.com',
      'https:\\\\n8n.example.com',
      'https://n8n.example.com\\@evil.example',
      '\\\\n8n.example.com',
      ' https://n8n.example.com',
      'https://n8n.example.com\n',
      'ht\ttps://n8n.example.com',
      'https://n8n.exa\tmple.com',
      'http://n8n.example.com',
      'ftp://n8n.example.com',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'data:text/plain,x',
      'ws://n8n.example.com',
      'https://user:pw@n8n.example.com',
      'https://user@n8n.example.com',
      'https://@n8n.example.com',
      'https://:@n8n.example.com',
      'https://n8n.example.com?x=1',
      'https://n8n.example.com/?',
      'https://n8n.example.com/#',
      'https://n8n.example.com#@evil.example',
      'https://n8n.example.com:22',
      'https://n8n.example.com:80',
      'https://n8n.example.com:0',
      'https://n8n.example.com:99999',
      'https://',
      'https://[::1',
      `https://n8n.example.com/${'x'.repeat(2048)}`,
    ].map((url) => [url]),
  )('%j', (url) => {
    expect(outcome(url)).toBe('url-not-allowed')
  })
})

describe('with the development flag', () => {
  test.each([
    ['http://localhost:5678', 'http://localhost:5678'],
    ['http://127.0.0.1:49152/n8n/', 'http://127.0.0.1:49152/n8n'],
    ['http://[::1]:5678', 'http://[::1]:5678'],
    ['https://n8n.example.com:1234', 'https://n8n.example.com:1234'],
  ])('%s is allowed', (url, expected) => {
    expect(outcome(url, development)).toBe(expected)
  })

  test.each([
    ['http://n8n.example.com'],
    ['http://192.168.0.1:5678'],
    ['https://169.254.169.254'],
    ['http://0.0.0.0:5678'],
    ['http://localhost:8787'],
    ['http://user@localhost:5678'],
  ])('%s is still rejected', (url) => {
    expect(outcome(url, development)).toBe('url-not-allowed')
  })
})

describe('the server key', () => {
  const keyOf = (url: string) => serverKeyOf(checkBaseUrl(url, development))

  test.each([
    ['http://localhost:5678', 'http://127.0.0.1:5678', 'http://[::1]:5678', 'http://LocalHost:5678/api/v1'],
    ['http://127.0.0.1:5679/team', 'http://localhost:5679/team/', 'http://[0:0:0:0:0:0:0:1]:5679/team'],
    ['http://[::1]', 'http://localhost:80', 'http://127.0.0.1/home/workflows'],
    ['https://n8n.example.com', 'https://N8N.example.com:443/'],
  ])('is the same for %s and its other spellings', (first, ...others) => {
    expect(new Set([first, ...others].map(keyOf))).toEqual(new Set([keyOf(first)]))
  })

  test('differs by port, scheme, path and host', () => {
    const urls = ['http://localhost:5678', 'http://localhost:5679', 'https://localhost:5678']
    const others = ['http://localhost:5678/a', 'http://127.0.0.2:5678', 'https://127.0.0.1.example.com']
    expect(new Set([...urls, ...others].map(keyOf)).size).toBe(6)
  })
})
