import { expect, test } from 'vitest'
import { serviceLabel, serviceOf } from '../../src/credentials/service-name.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'

test.each([
  ['slackApi', 'slack'],
  ['slackOAuth2Api', 'slack'],
  ['twitterOAuth1Api', 'twitter'],
  ['gmailOAuth2', 'gmail'],
  ['airtableTokenApi', 'airtable'],
  ['shopifyAccessTokenApi', 'shopify'],
  ['hubspotAppToken', 'hubspot'],
  ['facebookGraphApiOAuth2Api', 'facebookGraph'],
  ['facebookGraphApi', 'facebookGraph'],
  ['zammadBasicAuthApi', 'zammad'],
  ['postgres', 'postgres'],
  ['httpBasicAuth', 'httpBasicAuth'],
  ['httpHeaderAuth', 'httpHeaderAuth'],
  ['oAuth2Api', 'oAuth2Api'],
  ['oAuth1Api', 'oAuth1Api'],
  ['Api', 'Api'],
])('a credential of %s is for the service %s', (type, service) => {
  expect(serviceOf(type)).toBe(service)
})

test('every type of the catalogue has a service, and its OAuth variant has the same one', async () => {
  const types = (await loadCatalogue()).searchCredentialTypes('').map(({ type }) => type)
  expect(types.length).toBeGreaterThan(400)
  expect(types.filter((type) => serviceOf(type) === '')).toEqual([])
  const siblings = types
    .filter((type) => type !== 'oAuth2Api' && type.endsWith('OAuth2Api'))
    .map((type) => [type, type.replace(/OAuth2Api$/, 'Api')] as const)
    .filter(([, sibling]) => types.includes(sibling))
  expect(siblings.length).toBeGreaterThan(40)
  expect(siblings.filter(([type, sibling]) => serviceOf(type) !== serviceOf(sibling))).toEqual([])
})

test.each([
  ['googleSheets', 'googleSheetsOAuth2Api', 'Google Sheets'],
  ['slack', 'slackApi', 'Slack'],
  ['hubspot', 'hubspotAppToken', 'HubSpot'],
  ['httpHeaderAuth', 'httpHeaderAuth', 'Header Auth'],
  ['postgres', 'postgres', 'Postgres'],
  ['warehouse', 'postgres', 'warehouse'],
])('the service %s of a %s is called %s', async (service, type, label) => {
  const { displayName } = (await loadCatalogue()).credentialType(type) ?? { displayName: '' }
  expect(serviceLabel(service, type, displayName)).toBe(label)
})
