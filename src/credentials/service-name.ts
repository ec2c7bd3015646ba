/** The suffixes that n8n's type names add to a service for its sign-in method. */
const signIn =
  /(?:(?:Api)?(?:OAuth[12]|BasicAuth|TokenAuth|AccessToken|SharedKey|Token|Basic|Key|Jwt|Pat)?Api|OAuth2|AppToken|ApiToken)$/

/**
 * The service of a credential type: the type without its sign-in suffix, so that `slackApi` and `slackOAuth2Api`
 * both give `slack`. A type that names a scheme and no service stays unchanged: `httpBasicAuth`, `oAuth2Api`.
 */
export function serviceOf(type: string): string {
  if (/^oAuth[12]Api$/.test(type)) return type
  return type.replace(signIn, '') || type
}
