/** @module Classifies names that mark values as secret. Pure and linear. */

/**
 * `header`: the whole value is secret. `password`: any text, including spaces. `pass`: a password, but the name has
 * other meanings. `token`: generated text. `random`: secret if it looks random. `parameter`: secret in URLs only.
 */
export type NameKind = 'header' | 'password' | 'pass' | 'token' | 'random' | 'parameter'

const list = (text: string): string[] => text.trim().split(/\s+/)

const maxNameChars = 100
const headers = new Set(
  list(`authorization proxyauthorization cookie cookies setcookie xapikey xn8napikey xauthtoken xauthkey xaccesstoken
    xgoogapikey xcsrftoken xxsrftoken xsessiontoken xfunctionskey xamzsecuritytoken ocpapimsubscriptionkey resumetoken
    resumeurl privatetoken jobtoken xgitlabtoken xvaulttoken xshopifyaccesstoken xtelegrambotapisecrettoken
    apikeyheader`),
)

/** By the end of a name, without signs and digits. */
const suffixKinds: [NameKind, string[]][] = [
  [
    'password',
    list(`password passwords passwd passphrase passwort kennwort pwd motdepasse contraseña contrasena senha passcode
      wachtwoord lösenord adgangskode passord hasło heslo şifre salasana jelszó parola пароль 密码 密碼 口令 パスワード
      비밀번호 passwordconfirmation passwordconfirm`),
  ],
  ['pass', list('userpass storepass keypass dbpass smtppass sshpass rootpass adminpass mailpass ftppass')],
  [
    'token',
    list(`token secret apikey secretkey accesskey privatekey accountkey sharedkey authkey sharedaccesskey signingkey
      encryptionkey masterkey subscriptionkey servicekey servicerolekey consumerkey deploykey securitykey appkey
      applicationkey adminkey licensekey storagekey apipass appsecret bearer jwt xamzsignature xgoogsignature
      sharedaccesssignature cookie connectionstring secretvalue apisecret anonkey hmackey webhookkey integrationkey
      accesskeysecret authorization apikeys secretstring secretbinary recoverykey backupcode recoverycode recoverycodes
      backupcodes jsessionid phpsessid aspnetsessionid connectsid laravelsession aspxauth sessionkey cookiekey
      令牌 密钥 密鑰 秘钥 トークン 토큰 токен`),
  ],
  [
    'random',
    list(`signature signatur assertion samlresponse samlassertion passwordhash pwhash passhash hashedpassword salt
      credential credentials authorizationcode devicecode codeverifier openaikey anthropickey claudekey geminikey googlekey
      mapskey mistralkey coherekey groqkey deepseekkey openrouterkey perplexitykey serpkey serpapikey tavilykey
      rapidapikey hubspotkey mailgunkey mailchimpkey twiliokey resendkey brevokey sendgridkey pineconekey qdrantkey
      algoliakey airtablekey notionkey slackkey stripekey supabasekey sshkey rsakey pemkey gpgkey pgpkey awskey azurekey
      binancekey deeplkey elevenlabskey apifykey firecrawlkey weatherkey openweatherkey huggingfacekey replicatekey
      stabilitykey firebasekey fcmkey serverkey botkey userkey livekey testkey prodkey clientkey accesssign
      slackwebhook discordwebhook nonce cnonce`),
  ],
]
const suffixes = new Map<string, [string, NameKind][]>()
for (const [kind, names] of suffixKinds) {
  for (const name of names) {
    const key = name.slice(-2)
    // The longest suffix first: `secretstring` takes precedence over `string`.
    suffixes.set(key, [...(suffixes.get(key) ?? []), [name, kind]])
  }
}

const parameters = new Set(
  list(`key sig auth pw sid sessionid session code ticket hash hapikey appid xapi userkey apiid serviceid
    creds hmac`),
)
/** Resemble names of secrets, but are not secret. */
const harmless =
  list(`pagetoken maxtoken continuationtoken synctoken nexttoken previoustoken cursortoken stoptoken
  padtoken eostoken bostoken unktoken mintoken pertoken tokenkey skiptoken costpertoken inputtoken outputtoken notoken
  resetpassword forgotpassword isbearer oldpwd emailsignature mailsignature`)
/** The last word of a name, such as `PASS` in `DB_PASS`. */
const lastWords = new Map<string, NameKind>([
  ['pass', 'pass'],
  ['otp', 'pass'],
  ['pat', 'random'],
  ['passe', 'password'],
])

/** By the last three letters, case-insensitive, of all names and of the words between a name and its value. */
const endings = new Uint8Array(1 << 15)
const lowerBit = 32
const endingOf = (first: number, second: number, third: number): number =>
  ((first & 31) << 10) | ((second & 31) << 5) | (third & 31)
for (const name of [
  ...headers,
  ...suffixKinds.flatMap(([, names]) => names),
  ...parameters,
  ...list(
    `pgpass pass otp pat name value field header provided supplied given used received named found sent was`,
  ),
]) {
  endings[
    endingOf(
      name.charCodeAt(name.length - 3),
      name.charCodeAt(name.length - 2),
      name.charCodeAt(name.length - 1),
    )
  ] = 1
}
/** Short names and words. Checked with the preceding character, because any may precede them. */
const shortEndings = new Set(['pw', 'is'])
const isLetter = (code: number): boolean => (code | lowerBit) >= 97 && (code | lowerBit) <= 122 && code < 128
const maxGapChars = 24

/** Whether the name before `delimiter` may be secret. Checks only its last letters. */
export function mayNameSecret(text: string, delimiter: number): boolean {
  let at = delimiter - 1
  const least = Math.max(0, delimiter - maxGapChars)
  // Skips spaces, quotes and their escapes. Other characters need a full check.
  for (; at >= least; at -= 1) {
    const code = text.charCodeAt(at)
    if (code !== 32 && code !== 9 && code !== 34 && code !== 39 && code !== 92 && code !== 96 && code !== 42)
      break
  }
  if (at < 1) return false
  const signEnd = at
  while (at > 0 && signEnd - at < maxDigits && isDigit(text.charCodeAt(at))) at -= 1
  const last = text.charCodeAt(at)
  // Closers of a quoted name: `]`, `?`, `;` of an entity, `%22`, `\\u0022`; or a non-ASCII letter.
  if (!isLetter(last))
    return (
      last > 127 || last === 93 || last === 63 || last === 59 || last === 37 || last === 45 || last === 95
    )
  const second = text.charCodeAt(at - 1)
  if (!isLetter(second)) return second === 92 || second > 127
  const third = text.charCodeAt(at - 2)
  if (isLetter(third) && endings[endingOf(third, second, last)] === 1) return true
  return shortEndings.has(text.slice(at - 1, at + 1).toLowerCase())
}

const maxDigits = 4
const isDigit = (code: number): boolean => code >= 48 && code <= 57

const kinds = new Map<string, NameKind | null>()
const maxCached = 4096
/** Longer substrings would keep the entire text in memory. */
const maxCachedChars = 12

/** The last word decides: `clientSecret` and `CLIENT_SECRET` are secret, `secretName` is not. */
export function secretNameKind(name: string): NameKind | null {
  if (name.length > maxCachedChars) return kindOf(name.slice(-maxNameChars))
  const known = kinds.get(name)
  if (known !== undefined) return known
  const kind = kindOf(name)
  if (kinds.size >= maxCached) kinds.clear()
  kinds.set(name, kind)
  return kind
}

function kindOf(name: string): NameKind | null {
  const last = name.charCodeAt(name.length - 1)
  if (isLetter(last) && name.length > 2 && !mayNameSecret(name, name.length)) return null
  const plain = name.toLowerCase().replaceAll(/[^a-z\u00C0-\uFFFF]/g, '')
  if (plain.length < 2) return null
  if (headers.has(plain)) return 'header'
  if (parameters.has(plain)) return 'parameter'
  const found = suffixes.get(plain.slice(-2))?.find(([suffix]) => plain.endsWith(suffix))
  if (found !== undefined) return harmless.some((each) => plain.endsWith(each)) ? null : found[1]
  if (plain === 'pgpass') return 'password'
  const word = /(?:[A-Z]?[a-z]+|[A-Z]+)(?=[^A-Za-z]{0,4}$)/.exec(name.slice(-24))?.[0].toLowerCase()
  return word === undefined ? null : (lastWords.get(word) ?? null)
}
