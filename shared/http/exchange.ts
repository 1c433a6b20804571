export interface SentRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
}

/** A response that the client accepted, with its parsed body. */
export interface HttpResponse<T = unknown> {
  status: number
  /** By lower-case name. Several `set-cookie` headers are separated by line breaks. */
  headers: Record<string, string>
  /** Parsed JSON; text if it is not JSON; undefined if it is empty. */
  body: T
}
