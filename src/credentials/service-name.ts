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

/**
 * “Google Sheets” for the type that n8n displays as “Google Sheets OAuth2 API”. A service that the user named stays
 * unchanged.
 */
export function serviceLabel(service: string, type: string, displayName: string): string {
  if (service === type) return displayName
  if (service !== serviceOf(type)) return service
  return displayName.replace(
    /(?: (?:OAuth[12]?|API|Access|Personal|Token|Basic|Auth|JWT|(?:Service|Shared) Key))+$/,
    '',
  )
}
