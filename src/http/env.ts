/** What every handler's context holds. */
export interface BaseEnv {
  Variables: {
    requestId: string
    /** The sender's address as the edge tells it, or the socket's; never a header that the sender can write. */
    clientIp: string
    /** The JSON body's text, once it has been read by `valid('json', …)`. */
    bodyText: string
    /** Absent on routes that are open. */
    userId?: string
  }
  Bindings: object
}
