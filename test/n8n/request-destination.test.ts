import { describe, expect, test } from 'vitest'
import { destinationOf } from '../../src/n8n/request-destination.ts'

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
    // What is computed may go on with the name of the host, or end it as a password.
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
    ['n8n-nodes-base.slack', { url: 'https://a.test/' }, undefined],
    ['n8n-nodes-base.webhook', { path: 'orders' }, undefined],
  ])('of %s with %j is %j', (type, parameters, host) => {
    expect(destinationOf({ type, parameters })?.host).toBe(host)
  })

  test('differs between two expressions, though neither tells a host', () => {
    const keys = ['={{ $json.a }}', '={{ $json.b }}'].map((url) => destinationOf(http(url))?.key)
    expect(new Set(keys).size).toBe(2)
  })
})
