/** @module What a failure means, in words, and what mends it: by HTTP status, then by messages that are well known. Pure. */

export type Remedy = 'credential' | 'wait' | 'address' | 'input' | 'code' | 'setup' | 'service' | 'unknown'

export interface Failure {
  message: string
  httpStatus: number | null
  /** The service called, as the beginning of a sentence. */
  service: string
}

export interface Explanation {
  /** What happened. Null when nothing is known beyond the message. */
  cause: string | null
  /** The next step. */
  advice: string
  remedy: Remedy
}

type Words = Explanation | ((failure: Failure, match: RegExpMatchArray) => Explanation)

const because = (remedy: Remedy, cause: string, advice: string): Explanation => ({ cause, advice, remedy })

const notAccepted: Words = ({ service }) =>
  because(
    'credential',
    `${service} did not accept the credential: it is wrong, expired or was revoked.`,
    'Enter the credential again, then run it once more.',
  )
const notAllowed: Words = ({ service }) =>
  because(
    'credential',
    `${service} knows the credential and refuses this request: it lacks a scope or a permission.`,
    'Give the account or the token the permission that the message names, or use another credential.',
  )
const tooMany: Words = ({ service }) =>
  because(
    'wait',
    `${service} was asked more often than it allows.`,
    'Send fewer items at a time, put a Wait node before it, or turn on “Retry on fail” with a pause.',
  )
const noAnswer: Words = ({ service }) =>
  because(
    'wait',
    `${service} did not answer in time.`,
    'Run it again. If it goes on, raise the timeout of the node or send fewer items at a time.',
  )

const byStatus: Record<number, Words> = {
  400: ({ service }) =>
    because(
      'input',
      `${service} read the request and found its content wrong: a field is missing or has another form than it expects.`,
      'Compare the parameters of the node with what the message names.',
    ),
  401: notAccepted,
  402: ({ service }) =>
    because('setup', `${service} asks for payment: a plan or a balance has run out.`, 'Settle that there.'),
  403: notAllowed,
  404: ({ service }) =>
    because(
      'input',
      `${service} has nothing under that address: an id or a URL is wrong, or it was deleted there.`,
      'Check the id or the URL in the parameters of the node.',
    ),
  408: noAnswer,
  409: ({ service }) =>
    because(
      'input',
      `${service} has such an entry already, or it was changed meanwhile.`,
      'Look for it there first, then decide.',
    ),
  413: ({ service }) =>
    because(
      'input',
      `The request is larger than ${service.replace(/^The(?= service$)/, 'the')} takes.`,
      'Send fewer or smaller items at a time.',
    ),
  422: ({ service }) =>
    because(
      'input',
      `${service} understood the request and refused its content.`,
      'Compare the parameters of the node with what the message names.',
    ),
  429: tooMany,
}

const knownPorts: Record<string, string> = {
  '5432': 'Postgres',
  '3306': 'MySQL',
  '27017': 'MongoDB',
  '6379': 'Redis',
  '25': 'Mail',
  '587': 'Mail',
  '5672': 'RabbitMQ',
}

const byMessage: [RegExp, Words][] = [
  [
    /insufficient[_ ]quota|exceeded your current quota|billing|payment required/i,
    ({ service }) =>
      because(
        'setup',
        `The account at ${service === 'The service' ? 'the service' : service} has no quota or balance left.`,
        'Top it up there, or use another credential.',
      ),
  ],
  [
    /invalid_auth|token[_ ](revoked|expired)|invalid[_ ]grant|account_inactive|not_authed|bad credentials/i,
    notAccepted,
  ],
  [
    /^authorization failed|unauthori[sz]ed|authentication failed|status code 401|invalid api key|password authentication/i,
    notAccepted,
  ],
  [
    /missing_scope|insufficient (scope|permission)|^forbidden|status code 403|access denied|permission denied/i,
    notAllowed,
  ],
  [/rate limit|too many requests|status code 429|ratelimited|quota exceeded/i, tooMany],
  [
    /ECONNREFUSED(?:\s\S{1,200}?:(\d{2,5})(?!\S))?/,
    (_failure, [, port]) => {
      const usual =
        port && Object.hasOwn(knownPorts, port) ? ` ${knownPorts[port]} usually listens there.` : ''
      return because(
        'address',
        `Nothing listens at the address${port ? ` on port ${port}` : ''}.${usual}`,
        'Check host and port, and that the server runs and lets n8n through.',
      )
    },
  ],
  [
    /ENOTFOUND|EAI_AGAIN|getaddrinfo/,
    because(
      'address',
      'The name of the host is not known.',
      'Check the host for a slip; in a private network n8n must be able to look it up.',
    ),
  ],
  [
    /self[- ]signed certificate|unable to verify|certificate has expired|CERT_|altnames/i,
    because(
      'address',
      'The certificate of the server is not trusted: expired, self-signed or for another name.',
      'Renew it there, or check the host name.',
    ),
  ],
  [
    /ECONNRESET|socket hang up|EPIPE|connection (was )?(terminated|closed|lost|reset)/i,
    ({ service }) =>
      because(
        'wait',
        `${service} cut the connection before it had answered.`,
        'Run it again. If it goes on, look at the server there.',
      ),
  ],
  [/ETIMEDOUT|ESOCKETTIMEDOUT|timed? ?out|timeout/i, noAnswer],
  [
    /context.?length|maximum context|too many tokens|max_tokens|prompt is too long/i,
    because(
      'input',
      'The model was given more text than it takes.',
      'Shorten what goes into it, split it, or choose a model with a longer context.',
    ),
  ],
  [
    /Cannot read propert(?:y|ies) (?:'[^']*' )?of (undefined|null)(?: \(reading '([^']{1,80})'\))?/,
    (_failure, [, what, name]) =>
      because(
        'code',
        `${name ? `“${name}” is read` : 'A field is read'} from something that is ${what === 'null' ? 'empty (null)' : 'not there (undefined)'}: an item came without the field that is expected.`,
        'Look at what the node before gave, and allow for items without it.',
      ),
  ],
  [
    /(\S{1,60}) is not (defined|a function|iterable)/,
    (_failure, [, name, what]) =>
      because(
        'code',
        `The code uses “${name}”, which is ${what === 'defined' ? 'not defined' : `not ${what}`} there.`,
        'Check the spelling, and what the node before gives.',
      ),
  ],
  [
    /not valid JSON|Unexpected (token|end of JSON)|JSON\.parse|invalid json|Model output doesn't fit/i,
    because(
      'input',
      'A text that should be JSON is not.',
      'Look at what came in: often a model wraps its JSON in words, or a page came instead of data.',
    ),
  ],
  [
    /credentials? .{0,40}(not (found|exist|set)|does not exist|missing)|no credentials|node does not have any credentials/i,
    because(
      'credential',
      'The node has no credential in n8n, or one that was deleted there.',
      'Deploy again with a credential bound to it.',
    ),
  ],
  [
    /hasn't been executed|No path back to|Referenced node|unexecuted node|paired item/i,
    because(
      'code',
      'An expression refers to a node that did not run before this one.',
      'Connect that node ahead of this one, or take the value from elsewhere.',
    ),
  ],
  [
    /Unrecognized node type|node type .{0,80} (not known|is not known|could not be found)/i,
    because(
      'setup',
      'This n8n does not know the type of the node.',
      'Install the community node there, or update n8n.',
    ),
  ],
  [
    /duplicate key|already exists|unique constraint/i,
    because('input', 'It exists already.', 'Update instead of create, or skip what is there.'),
  ],
  [
    /null value in column|violates|invalid input syntax|out of range|does not exist/i,
    because(
      'input',
      'The database refused the values: one is missing, or has another type than its column.',
      'Compare the columns with what comes in.',
    ),
  ],
  [
    /out of memory|heap limit|possible(?: out-of-memory)? issue|crashed/i,
    because(
      'setup',
      'n8n stopped while it ran: mostly it had too little memory for the data.',
      'Process fewer items at a time, or give n8n more memory.',
    ),
  ],
  [/cancell?ed/i, because('unknown', 'It was stopped by hand.', 'Run it again when it should go on.')],
]

export function explain(failure: Failure): Explanation {
  const { message, httpStatus } = failure
  const worded = (words: Words, match: RegExpMatchArray) =>
    typeof words === 'function' ? words(failure, match) : words
  // A message may say more than its status: quota is a 429 as well.
  const quota = byMessage[0]
  const isQuota = quota && quota[0].exec(message)
  if (isQuota) return worded(quota[1], isQuota)
  if (httpStatus !== null) {
    const words = byStatus[httpStatus]
    if (words) return worded(words, [''] as unknown as RegExpMatchArray)
    if (httpStatus >= 500) {
      return because(
        'service',
        `${failure.service} failed on its own side (${httpStatus}).`,
        'Mostly it passes: run it again later.',
      )
    }
  }
  for (const [pattern, words] of byMessage) {
    const match = pattern.exec(message)
    if (match) return worded(words, match)
  }
  return {
    cause: null,
    advice: 'Open the run in n8n to see what went in and what came out.',
    remedy: 'unknown',
  }
}
