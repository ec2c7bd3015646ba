/** What n8n's type names append to a service for the way of signing in. */
const signIn =
  /(?:(?:Api)?(?:OAuth[12]|BasicAuth|TokenAuth|AccessToken|SharedKey|Token|Basic|Key|Jwt|Pat)?Api|OAuth2|AppToken|ApiToken)$/

/**
 * The service that a credential type is for: the type without the ending that tells how to sign in, so that
 * `slackApi` and `slackOAuth2Api` are both `slack`. A type that names a scheme and no service stays as it is:
 * `httpBasicAuth`, `oAuth2Api`.
 */
export function serviceOf(type: string): string {
  if (/^oAuth[12]Api$/.test(type)) return type
  return type.replace(signIn, '') || type
}
