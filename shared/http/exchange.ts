/** A request to a platform, as it is sent. */
export interface SentRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
}

export interface HttpResponse<T = unknown> {
  status: number
  /** By names in lower case. Several cookies of `set-cookie` are separated by line breaks. */
  headers: Record<string, string>
  /** Parsed JSON, or the text if it is not JSON. Undefined if it is empty. */
  body: T
}
