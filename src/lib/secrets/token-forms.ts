/**
 * @module Documented token formats. Each pattern matches at one position in linear time: bounded parts, then at most
 * one unbounded run at its end.
 */
import { hasDigit, isRandom } from './random-text.ts'

export interface TokenForm {
  /** With its article, such as `a GitHub token`. */
  kind: string
  /** The pattern runs only where one of these starts a word. At least two characters each. */
  prefixes: readonly string[]
  /** Sticky; matches from the prefix to the end of the token. */
  pattern: RegExp
  /** Matches the part of the token before the prefix, within the preceding 48 characters. */
  before?: RegExp
  /** Additional check of the match without its prefix. */
  accepts?: (rest: string) => boolean
}

type Options = Pick<TokenForm, 'before' | 'accepts'>

/** Plain, JSON-escaped or percent-encoded separators. */
const slash = String.raw`(?:\\?\/|%2[Ff])`
const colon = '(?::|%3[Aa])'
const space = '(?:[ +]{1,4}|%20)'

/** `name="value"` or `name=value` in a header with parameters. */
const parameter = String.raw`[A-Za-z][\w-]{0,40}=(?:\\{0,8}"[^"\\]{0,2048}\\{0,8}"|[^\s,"'<>\\]{1,2048})`

/** Base64 over several lines. */
const keyLines = String.raw`(?:[A-Za-z0-9+/=]{16,}(?:\s|\\{1,4}[nr]){0,8}){1,4096}(?:[A-Za-z0-9+/]{0,15}={1,2})?`

/** @param rest pattern after the prefix */
function form(kind: string, prefixes: string, rest: string, options: Options = {}): TokenForm {
  const all = prefixes.split(' ')
  const escaped = all.map((prefix) => prefix.replaceAll(/[.$/+]/g, String.raw`\$&`))
  return { kind, prefixes: all, pattern: new RegExp(`(?:${escaped.join('|')})(${rest})`, 'y'), ...options }
}

const random: Options = { accepts: (rest) => isRandom(rest) }
const withDigit: Options = { accepts: hasDigit }

const ownTokens = [
  form('a webhook token', 'whk_', String.raw`[\w-]{8,}`),
  form('a Flowkeep access token', 'fk_', '[A-Za-z0-9]{16,}'),
  form('a refresh token', 'fkr_', String.raw`[\w.-]{6,}`),
  form('a device token', 'fkd_', String.raw`[\w-]{6,}`),
  form('the token of an account link', 'fkl_', String.raw`[\w-]{22,}`),
]

const clouds = [
  form('an AWS access key', 'AKIA ASIA ABIA ACCA', '[0-9A-Z]{16,}'),
  form('an AWS session token', 'FwoGZXIv FQoGZXIv IQoJb3Jp', '[A-Za-z0-9+/=%_-]{40,}'),
  form('an AWS Bedrock key', 'ABSK bedrock-api-key-', '[A-Za-z0-9+/=]{40,}'),
  form('a Google API key', 'AIza', String.raw`[\w-]{30,}`),
  form('a Google OAuth client secret', 'GOCSPX-', String.raw`[\w-]{16,}`),
  form('a Google access token', 'ya29.', String.raw`[\w.-]{16,}`),
  form('a Google refresh token', '1//', String.raw`0[\w-]{20,}`),
  form('an Azure key', 'AccountKey= SharedAccessKey=', '[A-Za-z0-9+/=%]{16,}'),
  form('a DigitalOcean token', 'dop_v1_ doo_v1_ dor_v1_', '[A-Za-z0-9]{20,}'),
  form('a Heroku token', 'HRKU-', String.raw`[\w-]{30,}`),
  form('a Fly.io token', 'fo1_ fm1_ fm1r_ fm1a_ fm2_', String.raw`[\w+/=-]{20,}`),
  form('a Netlify token', 'nfp_ nfc_ nfo_ nfu_ nfb_', String.raw`\w{20,}`),
  form('a Vercel token', 'vcp_ vci_ vca_ vcr_ vck_ vercel_blob_rw_', String.raw`\w{20,}`),
  form('a Render key', 'rnd_', '[A-Za-z0-9]{20,}'),
  form('a Cloudflare key', 'v1.0-', String.raw`[a-f0-9]{20,}[\w-]*`),
  form('a Cloudflare token', 'cfut_ cfat_ cfk_', '[A-Za-z0-9]{30,}'),
  form('an Alibaba Cloud key', 'LTAI', '[A-Za-z0-9]{12,}', withDigit),
  form('a Yandex Cloud key', 'AQVN', String.raw`[\w-]{30,}`),
  form('a Databricks token', 'dapi dose dkea', '[a-f0-9]{32}[0-9-]*'),
  form('a Tailscale key', 'tskey-', String.raw`[\w-]{16,}`),
]

const code = [
  form('a GitHub token', 'ghp_ gho_ ghu_ ghr_', String.raw`\w{10,}`),
  form('a GitHub token', 'ghs_', String.raw`[\w.-]{10,}`),
  form('a GitHub token', 'github_pat_', String.raw`\w{20,}`),
  form(
    'a GitLab token',
    'glpat- glptt- gldt- glrt- glrtr- glcbt- glft- glsoat- glimt- glagent- gloas- glffct- glwt-',
    String.raw`[\w.-]{16,}`,
  ),
  form('a GitLab token', 'GR1348941', String.raw`[\w-]{20,}`),
  form('an npm token', 'npm_', '[A-Za-z0-9]{30,}'),
  form('a PyPI token', 'pypi-', String.raw`[\w-]{30,}`, random),
  form('a RubyGems key', 'rubygems_', '[a-f0-9]{32,}'),
  form('a NuGet key', 'oy2', '[a-z0-9]{43}(?![A-Za-z0-9])', withDigit),
  form('a crates.io token', 'cio', '[A-Za-z0-9]{32}(?![A-Za-z0-9])', random),
  form('a Docker token', 'dckr_pat_ dckr_oat_', String.raw`[\w-]{20,}`),
  form('a Bitbucket token', 'ATBB', '[A-Za-z0-9]{28,}', withDigit),
  form('an Atlassian token', 'ATATT3 ATCTT3 ATSTT3', String.raw`[\w=.+/-]{20,}`),
  form('a Sourcegraph token', 'sgp_', String.raw`\w{30,}`),
  form('a SonarQube token', 'sqp_ squ_ sqa_', '[a-f0-9]{30,}'),
  form('a CircleCI token', 'CCIPAT_ CCIPRJ_', String.raw`\w{30,}`),
  form('a Buildkite token', 'bkua_', '[a-z0-9]{30,}'),
  form('a Vault token', 'hvs. hvb. hvr.', String.raw`[\w-]{20,}`),
  form('a Terraform token', 'atlasv1.', String.raw`[\w-]{30,}`, { before: /[A-Za-z0-9]{10,24}\.$/ }),
  form('a Pulumi token', 'pul-', '[a-f0-9]{32,}'),
  form('a Doppler token', 'dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.', String.raw`[\w.-]{20,}`),
  form('a 1Password token', 'ops_', String.raw`eyJ[\w=-]{40,}`),
  form('an Infisical token', 'st.', String.raw`[a-f0-9]{20,}[\w.-]*`),
  form('an age key', 'AGE-SECRET-KEY-', '[0-9A-Z]{20,}'),
  form('a Sentry token', 'sntrys_ sntryu_ sntrya_ sntryi_', String.raw`[\w+/=-]{20,}`),
  form('a New Relic key', 'NRAK- NRAL- NRII- NRRA- NRJS- NRAA- NRIQ- NRSP-', String.raw`[\w-]{16,}`),
  form('a Grafana token', 'glsa_ glc_', String.raw`[\w+/=]{20,}`),
  form('a Postman key', 'PMAK-', String.raw`[a-f0-9-]{20,}`),
  form('a PlanetScale token', 'pscale_tkn_ pscale_pw_ pscale_oauth_', String.raw`[\w.=-]{20,}`),
  form('a Neon key', 'napi_', '[a-z0-9]{40,}'),
  form('a Supabase token', 'sbp_ sb_secret_', String.raw`[\w-]{20,}`, withDigit),
  form('a PostHog key', 'phx_ phs_', '[A-Za-z0-9]{20,}'),
  form('a LaunchDarkly key', 'sdk- mob-', '[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9-]{16,}'),
  form('an Okta token', 'SSWS', `${space}[\\w-]{20,}`),
]

const messaging = [
  form(
    'a Slack token',
    'xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe. xapp-',
    '[A-Za-z0-9.%-]{10,}',
  ),
  form('a Slack token', 'xwfp-', '[A-Za-z0-9-]{20,}'),
  form(
    'a Slack webhook URL',
    'hooks.slack.com hooks.slack-gov.com',
    `${slash}(?:services|workflows|triggers)${slash}[\\w/%\\\\-]{8,}`,
  ),
  form(
    'a Discord webhook URL',
    'discord.com discordapp.com ptb.discord.com canary.discord.com',
    `${slash}api(?:${slash}v\\d{1,2})?${slash}webhooks${slash}\\d{6,22}${slash}[\\w-]{16,}`,
  ),
  form(
    'a Discord token',
    'MD MT Mj Mz ND NT Nj Nz OD OT Oj Oz',
    String.raw`[\w-]{16,28}\.[\w-]{6,7}\.[\w-]{25,}`,
  ),
  form('a Teams webhook URL', 'webhookb2', `${slash}[\\w@/%\\\\-]{20,}`),
  form('a Zapier webhook URL', 'hooks.zapier.com', `${slash}hooks${slash}catch${slash}[\\w/%-]{6,}`),
  form('an IFTTT key', 'maker.ifttt.com', `${slash}[\\w/{}%-]{1,99}?${slash}key${slash}[\\w-]{10,}`),
  form('a Telegram bot token', 'bot', `\\d{6,12}${colon}[\\w-]{20,}`),
  form('a Twilio key', 'SK', '[a-f0-9]{32}(?![A-Za-z0-9])'),
  form('a SendGrid key', 'SG.', String.raw`[\w-]{16,}[\w.-]*`, withDigit),
  form('a Mailgun key', 'key-', '[a-f0-9]{32}(?![A-Za-z0-9])[a-f0-9-]*'),
  form('a Mailchimp key', 'us', String.raw`\d{1,2}(?![A-Za-z0-9])`, { before: /[a-f0-9]{32}-$/ }),
  form('a Mandrill key', 'md-', String.raw`[\w-]{22}(?![\w-])`, random),
  form('a Brevo key', 'xkeysib- xsmtpsib-', String.raw`[\w-]{20,}`),
  form('a Resend key', 're_', String.raw`[A-Za-z0-9]{6,12}_[A-Za-z0-9]{16,}`),
  form('a MessageBird key', 'live_ test_', '[A-Za-z0-9]{24,}', random),
  form('an Intercom token', 'dG9r', '[A-Za-z0-9+/]{40,}={0,2}'),
  form('a Facebook token', 'EAA', '[A-Za-z0-9]{60,}'),
  form('an Instagram token', 'IGQ', String.raw`[\w-]{60,}`),
  form('a Mapbox token', 'sk.', String.raw`eyJ[\w-]{20,}[\w.-]*`),
]

const models = [
  form('an API key (sk-…)', 'sk-', String.raw`(?:\d{6}[\w-]*|[\w-]{16,})`, {
    accepts: (rest) => /^\d{6}/.test(rest) || isRandom(rest),
  }),
  form(
    'an API key (sk-…)',
    'sk-ant- sk-or- sk-proj- sk-svcacct- sk-admin- sk-lf- sk-live- sk-test-',
    String.raw`[\w-]{8,}`,
  ),
  form('a Hugging Face token', 'hf_ api_org_', '[A-Za-z0-9]{20,}'),
  form('a Groq key', 'gsk_', '[A-Za-z0-9]{20,}'),
  form('a Perplexity key', 'pplx-', '[A-Za-z0-9]{20,}'),
  form('a Replicate token', 'r8_', '[A-Za-z0-9]{20,}'),
  form('an xAI key', 'xai-', '[A-Za-z0-9]{20,}'),
  form('a Fireworks key', 'fw_', '[A-Za-z0-9]{20,}'),
  form('a Tavily key', 'tvly-', String.raw`[\w-]{16,}`, random),
  form('a Pinecone key', 'pcsk_', String.raw`\w{20,}`),
  form('a LangSmith key', 'lsv2_pt_ lsv2_sk_ ls__', String.raw`\w{20,}`),
  form('an NVIDIA key', 'nvapi-', String.raw`[\w-]{20,}`),
  form('a Firecrawl key', 'fc-', '[a-f0-9]{32,}'),
  form('an Apify token', 'apify_api_', '[A-Za-z0-9]{20,}'),
  form('a Jina key', 'jina_', String.raw`[\w-]{20,}`),
  form('a Voyage key', 'pa-', String.raw`[\w-]{30,}`, random),
  form('an E2B key', 'e2b_', '[a-f0-9]{20,}'),
  form('a Together key', 'tgp_v1_', String.raw`[\w-]{20,}`),
]

const business = [
  form('a Stripe key', 'sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_ sk_org_', String.raw`\w{8,}`),
  form('a webhook secret', 'whsec_', '[A-Za-z0-9+/=_-]{8,}'),
  form('a PayPal token', 'access_token$', String.raw`(?:production|sandbox)\$[\w$]{16,}`),
  form('a PayPal token', 'A21AA', String.raw`[\w-]{40,}`),
  form('a Square token', 'EAAA', String.raw`[\w-]{56,}`),
  form('a Square token', 'sq0atp- sq0csp- sq0idp-', String.raw`[\w-]{20,}`),
  form(
    'a Plaid token',
    'access- public- link-',
    String.raw`(?:sandbox|development|production)-[a-f0-9-]{30,}`,
  ),
  form('a Braintree token', 'access_token$', String.raw`\w{6,12}\$\w{8,20}\$[a-f0-9]{20,}`),
  form('a Flutterwave key', 'FLWSECK_TEST- FLWSECK-', String.raw`[\w-]{12,}`),
  form('a Razorpay key', 'rzp_live_ rzp_test_', '[A-Za-z0-9]{12,}'),
  form('a Paddle key', 'pdl_live_apikey_ pdl_sdbx_apikey_ pdl_ntfset_', String.raw`\w{20,}`),
  form('a Shopify token', 'shpat_ shpss_ shpca_ shppa_ shpua_ shpit_', '[A-Za-z0-9]{16,}'),
  form('an Airtable token', 'pat', String.raw`[A-Za-z0-9]{14}\.[A-Za-z0-9]{32,}`),
  form('an Airtable key', 'key', '[A-Za-z0-9]{14}(?![A-Za-z0-9])', random),
  form('a Notion token', 'secret_', '[A-Za-z0-9]{30,}', random),
  form('a Notion token', 'ntn_', '[A-Za-z0-9]{20,}'),
  form('a Linear key', 'lin_api_ lin_oauth_ lin_wh_', '[A-Za-z0-9]{16,}'),
  form('a Figma token', 'figd_ figo_ figdh_ figoh_', String.raw`[\w-]{20,}`),
  form('a ClickUp token', 'pk_', String.raw`\d{4,12}_[A-Z0-9]{20,}`),
  form('a Klaviyo key', 'pk_', String.raw`[a-f0-9]{30,40}(?![A-Za-z0-9])`),
  form('a HubSpot token', 'pat-na pat-eu pat-ap', String.raw`\d?-[a-f0-9-]{20,}`),
  form('a Typeform token', 'tfp_', String.raw`[\w.=-]{30,}`),
  form(
    'an Asana token',
    '0/ 1/ 2/',
    String.raw`(?:\d{10,20}(?:${slash}\d{10,20})?${colon}[a-f0-9]{32}|[a-f0-9]{32}(?![A-Za-z0-9]))`,
  ),
  form('a Zoho token', '1000.', String.raw`[a-f0-9]{32}\.[a-f0-9]{32}`),
  form('a Contentful token', 'CFPAT-', String.raw`[\w-]{30,}`),
  form('a Frame.io token', 'fio-u-', String.raw`[\w=-]{30,}`),
  form('a Dropbox token', 'sl.', String.raw`[\w-]{40,}[\w.-]*`),
  form('a Pipedream key', 'pd_', '[a-f0-9]{30,}'),
  form('a ReadMe key', 'rdme_', '[a-z0-9]{30,}'),
  form('a Duffel token', 'duffel_live_ duffel_test_', String.raw`[\w-]{30,}`),
  form('a Shippo token', 'shippo_live_ shippo_test_', '[a-f0-9]{30,}'),
  form('an EasyPost key', 'EZAK EZTK', '[A-Za-z0-9]{50,}'),
  form('a Lob key', 'live_pub_ test_pub_', '[a-f0-9]{30,}'),
  form('a Dynatrace token', 'dt0c01. dt0s01. dt0s02. dt0s16.', String.raw`[A-Z0-9]{20,}[\w.]*`),
  form('a Beamer key', 'b_', '[a-z0-9=_]{44,}'),
  form('a Prefect key', 'pnu_ pnb_', '[A-Za-z0-9]{30,}'),
  form('a Rootly key', 'rootly_', '[a-f0-9]{40,}'),
]

const afterScheme = /^(?::|%3a)?(?:[ +]|%20)+["'`]?/i

/** Authorization schemes such as `Bearer …`, in any text. */
const schemes = [
  form('a bearer token', 'Bearer bearer BEARER', `${colon}?${space}["']?[\\w.~+/=%-]{5,}`, {
    accepts: (rest) => isBearerValue(rest.replace(afterScheme, '')),
  }),
  form('basic credentials', 'Basic basic BASIC', `${space}[\\w+/=%-]{6,}`, {
    accepts: (rest) => isBasicValue(rest.replace(afterScheme, '')),
  }),
  form(
    'a token in a header',
    'Token token TOKEN Bot ApiKey Apikey apikey GenieKey',
    `${space}["'\`]?[\\w.~+/=-]{16,}`,
    {
      accepts: (rest) => isRandom(rest.replace(afterScheme, ''), 16),
    },
  ),
  form(
    'a token in a header',
    'DeepL-Auth-Key Zoho-oauthtoken Klaviyo-API-Key Token-Auth',
    `${space}[\\w.~+/:=-]{8,}`,
    withDigit,
  ),
  form(
    'a signed header',
    'Digest digest OAuth Hawk Signature MAC',
    `${space}(?:${parameter}[, ]{0,3}){1,24}`,
    {
      accepts: (rest) => /(?:nonce|response|mac|signature|token|opaque)/i.test(rest),
    },
  ),
  form(
    'a signed header',
    'AWS4-HMAC-SHA256 AWS4-ECDSA-P256-SHA256 GOOG4-RSA-SHA256 GOOG4-HMAC-SHA256 TC3-HMAC-SHA256 SDK-HMAC-SHA256',
    `(?:${space}|,)${space}?(?:${parameter}[, ]{0,3}){1,24}`,
  ),
  form('a signed header', 'AWS SharedKey SharedKeyLite', `${space}[\\w-]{3,64}:[\\w+/=]{20,}`),
  form('a shared access signature', 'SharedAccessSignature', `${space}s[a-z]{1,2}=[^\\s"'<>\\\\]{20,2048}`),
  form('a signed header', 'NTLM Negotiate', `${space}[A-Za-z0-9+/=]{24,}`),
  form('a password in a mail login', 'PLAIN LOGIN XOAUTH2', `${space}[A-Za-z0-9+/]{12,}={0,2}`, {
    accepts: isMailLogin,
  }),
  form('a private key', 'Private-Lines:', `${space}\\d{1,4}(?:\\s|\\\\[rn])+${keyLines}`),
  form('a private key', 'b3BlbnNzaC1rZXkt LS0tLS1CRUdJTi', keyLines),
  form('an Oracle password', 'jdbc:oracle:', String.raw`\w{1,9}:[^\s/@:]{1,64}\/[^\s@]{1,128}@`),
]

/** Rejects prose such as `Bearer authentication`: a token is long, or contains a digit or separator. */
function isBearerValue(value: string): boolean {
  const bare = value.replace(/[.,;:]+$/, '')
  return bare.length >= 5 && (/\d/.test(bare) || /[a-z0-9][._~+=][a-z0-9]/i.test(bare) || bare.length >= 24)
}

/** Base64 of `user:password`, possibly truncated. */
function isBasicValue(value: string): boolean {
  const bare = value.replace(/(?:=|%3[dD])+$/, '')
  if (/[%-]|_/.test(bare)) return isRandom(bare, 12)
  try {
    const decoded = atob(
      bare.slice(0, 400 - (400 % 4)).slice(0, bare.length - (bare.length % 4 === 1 ? 1 : 0)),
    )
    return decoded.includes(':') && !/\p{Cc}/u.test(decoded)
  } catch {
    return false
  }
}

function isMailLogin(rest: string): boolean {
  try {
    return /\p{Cc}/u.test(atob(rest.replace(/^(?:[ +]|%20)+|=+$/g, '')))
  } catch {
    return false
  }
}

export const tokenForms: readonly TokenForm[] = [
  ...ownTokens,
  ...clouds,
  ...code,
  ...messaging,
  ...models,
  ...business,
  ...schemes,
]
