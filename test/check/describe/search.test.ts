import { describe, expect, test } from 'vitest'
import { loadNodeSearch } from '../../../src/check/describe/search.ts'
import { queries } from './queries.ts'

const shortOf = (type: string) => type.slice(type.lastIndexOf('.') + 1)

describe('the search over node types', async () => {
  const search = await loadNodeSearch()
  const find = (query: string) => search.find(query).map(({ type }) => shortOf(type))

  test.each(queries)('%s', (query, ...wanted) => {
    const first = find(query).slice(0, 5)
    expect(
      first.filter((each) => wanted.includes(each)),
      first.join(),
    ).not.toEqual([])
  })

  test('names the operations that match', () => {
    const slack = search.find('send message').find(({ type }) => shortOf(type) === 'slack')
    expect(slack).toMatchObject({ displayName: 'Slack', trigger: false })
    expect(slack?.match.length).toBeLessThanOrEqual(3)
    expect(slack?.match.every(({ resource }) => resource === 'message')).toBe(true)
  })

  test('a part of a type or name finds it, first of all', () => {
    expect(find('lac').slice(0, 2)).toEqual(['slack', 'slackTrigger'])
    expect(find('SLACK')).toEqual(['slack', 'slackTrigger'])
    expect(find('n8n-nodes-base.googleSheets')[0]).toBe('googleSheets')
    expect(find('AI Agent')[0]).toBe('agent')
  })

  test('finds each node by its own name among the first five', () => {
    const rows = search.find('n8n-nodes')
    expect(rows.length).toBeGreaterThan(500)
    const missed = rows.filter(
      ({ type, displayName }) =>
        !search
          .find(displayName)
          .slice(0, 5)
          .some((each) => each.type === type),
    )
    expect(missed.map(({ type }) => type)).toEqual([])
  })

  test('prefers triggers for events, and other nodes for actions', () => {
    expect(search.find('when a payment succeeded')[0]?.trigger).toBe(true)
    expect(search.find('create a payment')[0]?.trigger).toBe(false)
  })

  test.each(['no such thing', 'x'.repeat(100), '???', '__defineGetter__'])('%s finds nothing', (query) => {
    expect(find(query)).toEqual([])
  })

  test('the order does not change', () => {
    expect(find('create task')).toEqual(find('create task'))
  })
})
