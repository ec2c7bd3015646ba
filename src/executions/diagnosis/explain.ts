/** @module Explains failures and how to fix them, by HTTP status and by well-known messages. Pure. */

export type Remedy = 'credential' | 'wait' | 'address' | 'input' | 'code' | 'setup' | 'service' | 'unknown'

export interface Failure {
  message: string
  httpStatus: number | null
  /** Name of the service at the start of a sentence. */
  service: string
}

export interface Explanation {
  /** Null when the message is all that is known. */
  cause: string | null
  /** The next step. */
  advice: string
  remedy: Remedy
}

/** @param groups the match of a message rule; empty for a status rule */
type Rule = Explanation | ((failure: Failure, groups: readonly string[]) => Explanation)

const explanation = (remedy: Remedy, cause: string, advice: string): Explanation => ({
  cause,
  advice,
  remedy,
})

const credentialRejected: Rule = ({ service }) =>
  explanation(
    'credential',
    `${service} rejected the credential. It is incorrect, expired or revoked.`,
    'Update the credential, then run the workflow again.',
  )
const permissionDenied: Rule = ({ service }) =>
  explanation(
    'credential',
    `${service} accepted the credential but denied this request. A scope or permission is missing.`,
    'Grant the permission that the message names, or use another credential.',
  )
const rateLimited: Rule = ({ service }) =>
  explanation(
    'wait',
    `${service} rejected the request because its rate limit was exceeded.`,
    'Process fewer items at a time, add a Wait node before this node, or turn on “Retry on fail” with a pause.',
  )
const timedOut: Rule = ({ service }) =>
  explanation(
    'wait',
    `${service} did not respond in time.`,
    "Run the workflow again. If this recurs, increase the node's timeout or process fewer items at a time.",
  )

const byStatus: Record<number, Rule> = {
  400: ({ service }) =>
    explanation(
      'input',
      `${service} rejected the request because a field is missing or invalid.`,
      'Check the node parameters that the message names.',
    ),
  401: credentialRejected,
  402: ({ service }) =>
    explanation(
      'setup',
      `${service} requires payment: the quota or the balance is used up.`,
      "Check the account's billing.",
    ),
  403: permissionDenied,
  404: ({ service }) =>
    explanation(
      'input',
      `${service} could not find the resource. The ID or URL is wrong, or the resource was deleted.`,
      'Check the ID or URL in the node parameters.',
    ),
  408: timedOut,
  409: ({ service }) =>
    explanation(
      'input',
      `${service} reported a conflict: the entry already exists or was changed concurrently.`,
      'Check the existing entry, then update or skip it.',
    ),
  413: ({ service }) =>
    explanation(
      'input',
      `The request exceeds the size limit of ${service.replace(/^The(?= service$)/, 'the')}.`,
      'Send fewer or smaller items at a time.',
    ),
  422: ({ service }) =>
    explanation(
      'input',
      `${service} rejected the content of the request.`,
      'Check the node parameters that the message names.',
    ),
  429: rateLimited,
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

const byMessage: [RegExp, Rule][] = [
  [
    /insufficient[_ ]quota|exceeded your current quota|billing|payment required/i,
    ({ service }) =>
      explanation(
        'setup',
        `The account at ${service === 'The service' ? 'the service' : service} has no quota or balance left.`,
        'Increase the quota or the balance of the account, or use another credential.',
      ),
  ],
  [
    /invalid_auth|token[_ ](revoked|expired)|invalid[_ ]grant|account_inactive|not_authed|bad credentials/i,
    credentialRejected,
  ],
  [
    /^authorization failed|unauthori[sz]ed|authentication failed|status code 401|invalid api key|password authentication/i,
    credentialRejected,
  ],
  [
    /missing_scope|insufficient (scope|permission)|^forbidden|status code 403|access denied|permission denied/i,
    permissionDenied,
  ],
  [/rate limit|too many requests|status code 429|ratelimited|quota exceeded/i, rateLimited],
  [
    /ECONNREFUSED(?:\s\S{1,200}?:(\d{2,5})(?!\S))?/,
    (_failure, [, port]) => {
      const usual =
        port && Object.hasOwn(knownPorts, port) ? ` ${knownPorts[port]} usually uses this port.` : ''
      return explanation(
        'address',
        `The server refused the connection${port ? ` on port ${port}` : ''}.${usual}`,
        'Check the host and port, and that the server is running and accepts connections from n8n.',
      )
    },
  ],
  [
    /ENOTFOUND|EAI_AGAIN|getaddrinfo/,
    explanation(
      'address',
      'The hostname could not be resolved.',
      'Check the hostname for typos. On a private network, make sure n8n can resolve it.',
    ),
  ],
  [
    /self[- ]signed certificate|unable to verify|certificate has expired|CERT_|altnames/i,
    explanation(
      'address',
      "The server's certificate is not trusted. It is expired, self-signed or issued for another hostname.",
      'Renew the certificate, or check the hostname.',
    ),
  ],
  [
    /ECONNRESET|socket hang up|EPIPE|connection (was )?(terminated|closed|lost|reset)/i,
    ({ service }) =>
      explanation(
        'wait',
        `${service} closed the connection before it responded.`,
        'Run the workflow again. If this recurs, check the server.',
      ),
  ],
  [/ETIMEDOUT|ESOCKETTIMEDOUT|timed? ?out|timeout/i, timedOut],
  [
    /context.?length|maximum context|too many tokens|max_tokens|prompt is too long/i,
    explanation(
      'input',
      "The input exceeds the model's context length.",
      'Shorten or split the input, or choose a model with a longer context.',
    ),
  ],
  [
    /Cannot read propert(?:y|ies) (?:'[^']*' )?of (undefined|null)(?: \(reading '([^']{1,80})'\))?/,
    (_failure, [, what, name]) =>
      explanation(
        'code',
        `The code reads ${name ? `“${name}”` : 'a field'} from a value that is ${what === 'null' ? 'null' : 'undefined'}. An item lacks an expected field.`,
        "Check the previous node's output, and handle items without the field.",
      ),
  ],
  [
    /(\S{1,60}) is not (defined|a function|iterable)/,
    (_failure, [, name, what]) =>
      explanation(
        'code',
        `The code uses “${name}”, which is ${what === 'defined' ? 'not defined' : `not ${what}`} here.`,
        "Check the spelling and the previous node's output.",
      ),
  ],
  [
    /not valid JSON|Unexpected (token|end of JSON)|JSON\.parse|invalid json|Model output doesn't fit/i,
    explanation(
      'input',
      'The text is not valid JSON.',
      'Check the input. Models often add text around JSON, and servers may return an HTML page instead of data.',
    ),
  ],
  [
    /credentials? .{0,40}(not (found|exist|set)|does not exist|missing)|no credentials|node does not have any credentials/i,
    explanation(
      'credential',
      'The node has no credential, or its credential was deleted in n8n.',
      'Bind a credential to the node, then deploy again.',
    ),
  ],
  [
    /hasn't been executed|No path back to|Referenced node|unexecuted node|paired item/i,
    explanation(
      'code',
      'An expression refers to a node that has not run yet.',
      'Connect that node before this one, or use a value from another node.',
    ),
  ],
  [
    /Unrecognized node type|node type .{0,80} (not known|is not known|could not be found)/i,
    explanation(
      'setup',
      'The n8n server does not support this node type.',
      'Install the community node on the server, or update n8n.',
    ),
  ],
  [
    /duplicate key|already exists|unique constraint/i,
    explanation('input', 'The entry already exists.', 'Update the entry instead of creating it, or skip it.'),
  ],
  [
    /null value in column|violates|invalid input syntax|out of range|does not exist/i,
    explanation(
      'input',
      "The database rejected the values. One is missing or does not match its column's type.",
      'Compare the input with the columns.',
    ),
  ],
  [
    /out of memory|heap limit|possible(?: out-of-memory)? issue|crashed/i,
    explanation(
      'setup',
      'n8n crashed during the run, most likely because it ran out of memory.',
      'Process fewer items at a time, or give n8n more memory.',
    ),
  ],
  [/cancell?ed/i, explanation('unknown', 'The run was canceled.', 'Run the workflow again if needed.')],
]

export function explain(failure: Failure): Explanation {
  const { message, httpStatus } = failure
  const explanationOf = (rule: Rule, groups: readonly string[]) =>
    typeof rule === 'function' ? rule(failure, groups) : rule
  // The message can be more specific than the status: an exhausted quota is a 429 as well.
  const quota = byMessage[0]
  const quotaMatch = quota?.[0].exec(message)
  if (quota && quotaMatch) return explanationOf(quota[1], quotaMatch)
  if (httpStatus !== null) {
    const rule = byStatus[httpStatus]
    if (rule) return explanationOf(rule, [])
    if (httpStatus >= 500) {
      return explanation(
        'service',
        `${failure.service} had an internal error (${httpStatus}).`,
        'This is usually temporary. Run the workflow again later.',
      )
    }
  }
  for (const [pattern, rule] of byMessage) {
    const match = pattern.exec(message)
    if (match) return explanationOf(rule, match)
  }
  return {
    cause: null,
    advice: 'Open the run in n8n to inspect its input and output.',
    remedy: 'unknown',
  }
}
