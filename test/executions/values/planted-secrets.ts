/** Secrets in the places where run data of n8n has them. All are invented. */
const token = 'q8Rt2LmZx4Vw7Kp1Nd6Yb3Hs'
const password = 'tulip-Harbor-92'
const pemBody = Array.from({ length: 12 }, (_, n) => `MIIEvQIBADANBgkqhkiG9w0BAQ${n}EFAASCBKcwggSjAgEAAoIBAQ`)
const pem = `-----BEGIN PRIVATE KEY-----\n${pemBody.join('\n')}\n-----END PRIVATE KEY-----\n`
const jwt = `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${btoa('{"sub":"4711","role":"admin"}').replaceAll('=', '')}.${token}${token}`
const github = `ghp_${'a1B2c3'.repeat(6)}`
const basic = btoa(`maya:${password}`)

export interface PlantedSecret {
  name: string
  json: unknown
  /** None may appear. */
  secrets: string[]
}

export const plantedSecrets: PlantedSecret[] = [
  { name: 'authorization header', json: { headers: { authorization: `Bearer ${token}` } }, secrets: [token] },
  {
    name: 'basic authorization',
    json: { headers: { authorization: `Basic ${basic}` } },
    secrets: [basic, password],
  },
  { name: 'cookie header', json: { headers: { cookie: `theme=dark; sid=${token}` } }, secrets: [token] },
  {
    name: 'set-cookie list',
    json: { headers: { 'set-cookie': [`sid=${token}; HttpOnly`, 'a=b1234567'] } },
    secrets: [token],
  },
  { name: 'API key header', json: { headers: { 'x-api-key': token } }, secrets: [token] },
  {
    name: 'raw headers',
    json: { rawHeaders: ['Host', 'a.example', 'Authorization', `Bearer ${token}`] },
    secrets: [token],
  },
  {
    name: 'headers as pairs',
    json: { parameters: [{ name: 'Authorization', value: `Token ${token}` }] },
    secrets: [token],
  },
  {
    name: 'pair with its value first',
    json: { list: [{ value: password, key: 'password' }] },
    secrets: [password],
  },
  { name: 'bearer token in a list', json: { sent: [`Bearer ${token}`, 'ok'] }, secrets: [token] },
  {
    name: 'query of a URL',
    json: { url: `https://api.example/v1?api_key=${token}&page=2` },
    secrets: [token],
  },
  {
    name: 'signature in a URL',
    json: { link: `https://files.example/a.csv?X-Amz-Signature=${'0a1b2c3d4e5f6071'.repeat(4)}` },
    secrets: ['0a1b2c3d4e5f6071'],
  },
  {
    name: 'password in a URL',
    json: { dsn: `postgres://maya:${password}@db.example:5432/shop` },
    secrets: [password],
  },
  { name: 'query parameters', json: { query: { access_token: token, page: '2' } }, secrets: [token] },
  {
    name: 'password field',
    json: { body: { user: { email: 'ada@example.com', password } } },
    secrets: [password],
  },
  { name: 'numeric password', json: { body: { password: 49_201_773 } }, secrets: ['49201773'] },
  { name: 'client secret', json: { oauth: { client_id: 'shop', client_secret: token } }, secrets: [token] },
  { name: 'refresh token', json: { refresh_token: token, expires_in: 3600 }, secrets: [token] },
  {
    name: 'JSON in text',
    json: { payload: JSON.stringify({ login: 'ada', password }) },
    secrets: [password],
  },
  {
    name: 'pairs in text',
    json: { payload: JSON.stringify([{ name: 'password', value: password }]) },
    secrets: [password],
  },
  {
    name: 'JSON in text in text',
    json: { raw: JSON.stringify({ inner: JSON.stringify({ apiKey: token }) }) },
    secrets: [token],
  },
  {
    name: 'form body',
    json: { body: `grant_type=password&username=ada&password=${password}` },
    secrets: [password],
  },
  { name: 'private key', json: { key: pem }, secrets: pemBody },
  {
    name: 'private key in a service account',
    json: { account: { type: 'service_account', private_key: pem } },
    secrets: pemBody,
  },
  {
    name: 'private key with escaped line breaks',
    json: { note: pem.replaceAll('\n', '\\n') },
    secrets: pemBody,
  },
  {
    name: 'JSON web token in prose',
    json: { note: `The token is ${jwt} until noon` },
    secrets: [jwt.split('.')[2] ?? ''],
  },
  { name: 'known token format', json: { message: `Use ${github} to clone` }, secrets: [github] },
  { name: 'known token format as a key', json: { [github]: { uses: 3 } }, secrets: [github] },
  { name: 'encoded credentials', json: { note: `auth: ${basic}` }, secrets: [basic] },
  {
    name: 'encoded JSON',
    json: { data: btoa(JSON.stringify({ password, login: 'ada@example.com' })) },
    secrets: [btoa(JSON.stringify({ password, login: 'ada@example.com' }))],
  },
  {
    name: 'command line',
    json: { command: `curl -u maya:${password} https://api.example` },
    secrets: [password],
  },
  {
    name: 'header in a command',
    json: { command: `curl -H "Authorization: Bearer ${token}" https://api.example` },
    secrets: [token],
  },
  { name: 'environment file', json: { text: `PORT=80\nDB_PASSWORD=${password}\n` }, secrets: [password] },
  { name: 'YAML', json: { text: `port: 80\npassword: ${password}\n` }, secrets: [password] },
  { name: 'XML', json: { xml: `<login><password>${password}</password></login>` }, secrets: [password] },
  {
    name: 'error of a request',
    json: { error: { message: `401 for https://maya:${password}@api.example/x`, stack: 'at Node.run' } },
    secrets: [password],
  },
  { name: 'deep in a list', json: { a: [[{ b: [{ session: { accessToken: token } }] }]] }, secrets: [token] },
]
