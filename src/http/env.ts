/** Variables of every request's context. */
export interface BaseEnv {
  Variables: {
    requestId: string
    /** The client's address, from the edge or the socket. Never from a header that the client controls. */
    clientIp: string
    /** Body text, set by `valid('json', …)`. */
    bodyText: string
    /** Undefined on public routes. */
    userId?: string
    /** Undefined without a session. */
    sessionId?: string
    /** The pattern of the path, if the application's own routes do not tell. */
    route?: string
    /** ID of the access token, if the request has one. */
    tokenId?: string
  }
  Bindings: object
}
