import { describe, expect, test } from 'vitest'
import { destinationOf, isSentTo } from '../../src/n8n/reading/request-destination.ts'

const http = (url: unknown, type = 'n8n-nodes-base.httpRequest') => ({ type, parameters: { url } })

describe('the host that a node sends its credential to', () => {
  test.each([
    ['https://api.example.com/v1', 'api.example.com'],
    ['  https://API.example.com/v1 ', 'api.example.com'],
    ['http://127.0.0.1:8080/x', '127.0.0.1:8080'],
    ['https://user:pass@api.example.com', 'api.example.com'],
    ['=https://api.example.com', 'api.example.com'],
    ['=https://api.example.com/{{ $json.id }}', 'api.example.com'],
    ['=https://api.example.com?id={{ $json.id }}', 'api.example.com'],
    ['={{ "https://api.example.com/orders" }}', 'api.example.com'],
    ["={{ 'https://api.example.com/' + $json.id }}", 'api.example.com'],
    ['={{ `https://api.example.com/${$json.id}` }}', 'api.example.com'],
    ['={{ "https://api.example.com" }}/{{ $json.id }}', 'api.example.com'],
    ['={{ "https://api" }}.example.com/{{ $json.id }}', 'api.example.com'],
    // The computed part could extend the host name, or turn it into a password.
    ['=https://api.example.com{{ $json.path }}', null],
    ['=https://{{ $json.host }}/v1', null],
    ["={{ 'https://api.example.com' + $json.path }}", null],
    ["={{ 'https://api.example.com/' + $json.a ? 'https://a.test' : 'https://b.test' }}", null],
    ["={{ 'https://api.example.com/'.replace('api', $json.host) }}", null],
    ['={{ `https://api.example.com${$json.path}` }}', null],
    ['={{ "https://api.example.com" }}{{ $json.path }}', null],
    ['={{ $json.url }}', null],
    ['https://{tenant}.example.com/v1', null],
    ['api.example.com/v1', null],
    ['ftp://api.example.com', null],
    ['', null],
    [undefined, null],
    [7, null],
  ])('of the URL %j is %j', (url, host) => {
    expect(destinationOf(http(url))?.host).toBe(host)
  })

  test.each([
    ['n8n-nodes-base.httpRequestTool', { url: 'https://a.test/' }, 'a.test'],
    ['@n8n/n8n-nodes-langchain.toolHttpRequest', { url: 'https://a.test/{id}' }, 'a.test'],
    ['n8n-nodes-base.graphql', { endpoint: 'https://a.test/graphql' }, 'a.test'],
    ['@n8n/n8n-nodes-langchain.mcpClientTool', { sseEndpoint: 'https://a.test/sse' }, 'a.test'],
    ['@n8n/n8n-nodes-langchain.mcpClientTool', { endpointUrl: 'https://a.test/mcp' }, 'a.test'],
    ['@n8n/n8n-nodes-langchain.lmChatOpenAi', { options: { baseURL: 'https://a.test/v1' } }, 'a.test'],
    ['@n8n/n8n-nodes-langchain.lmChatOpenAi', { options: {} }, undefined],
    ['n8n-nodes-base.git', { sourceRepository: 'https://a.test/x.git' }, 'a.test'],
    ['n8n-nodes-base.git', { options: { targetRepository: 'https://a.test/x.git' } }, 'a.test'],
    [
      '@n8n/n8n-nodes-langchain.embeddingsHuggingFaceInference',
      { options: { endpointUrl: 'https://a.test/' } },
      'a.test',
    ],
    ['n8n-nodes-base.npm', { requestOptions: { proxy: 'http://proxy.test:3128' } }, 'proxy.test:3128'],
    ['n8n-nodes-base.slack', { url: 'https://a.test/' }, undefined],
    ['n8n-nodes-base.webhook', { path: 'orders' }, undefined],
  ])('of %s with %j is %j', (type, parameters, host) => {
    expect(destinationOf({ type, parameters })?.host).toBe(host)
  })

  test('differs between two expressions without a literal host', () => {
    const keys = ['={{ $json.a }}', '={{ $json.b }}'].map((url) => destinationOf(http(url))?.key)
    expect(new Set(keys).size).toBe(2)
  })

  const page = (nextURL: string, paginationMode = 'responseContainsNextURL') => ({
    pagination: { pagination: { paginationMode, nextURL } },
  })
  const call = (url: string, options: object = {}) =>
    destinationOf({ type: 'n8n-nodes-base.httpRequest', parameters: { url, options } })

  test.each<[string, ReturnType<typeof call>, ReturnType<typeof call>, boolean]>([
    ['another path', call('https://a.test/1'), call('https://a.test/2'), true],
    ['added encryption', call('http://a.test/'), call('https://a.test/'), true],
    ['removed encryption', call('https://a.test/'), call('http://a.test/'), false],
    ['a proxy', call('https://a.test/'), call('https://a.test/', { proxy: 'http://p.test:80' }), false],
    [
      'another proxy',
      call('https://a.test/', { proxy: 'p.test:80' }),
      call('https://a.test/', { proxy: 'q.test:80' }),
      false,
    ],
    [
      'pages on another host',
      call('https://a.test/'),
      call('https://a.test/', page('https://b.test/')),
      false,
    ],
    [
      'pages from a URL in the workflow',
      call('https://a.test/'),
      call('https://a.test/', page('={{ $json.u }}')),
      false,
    ],
    [
      'pages from a URL in the response',
      call('https://a.test/'),
      call('https://a.test/', page('={{ $response.body.next }}')),
      true,
    ],
    [
      'pages that are not followed',
      call('https://a.test/'),
      call('https://a.test/', page('https://b.test/', 'off')),
      true,
    ],
  ])('counts as known after %s: %j → %j is %s', (_, before, after, isKnown) => {
    const keys = new Set(before ? [before.key] : [])
    expect(after && isSentTo(keys, after)).toBe(isKnown)
  })

  test('is described with its scheme, proxy and host of further pages if relevant', () => {
    expect(call('http://a.test/', { proxy: 'http://user:word@p.test:3128' })?.label).toBe(
      'http://a.test through the proxy p.test:3128',
    )
    expect(call('https://a.test/', page('https://b.test/'))?.label).toBe('a.test and b.test')
    expect(call('={{ $json.u }}', { proxy: 'p.test' })?.label).toBeNull()
  })
})
