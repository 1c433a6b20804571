/** The requests to send. JSON without secrets. */
export interface Plan {
  url: string
  method: string
  headers: Record<string, string>
  body?: string | undefined
  /** Requests per second. */
  rate: number
  connections: number
  /** Seconds to wait for a response. */
  timeout: number
  /** Successful statuses. Defaults to 200 to 299 if empty. */
  expect: number[]
}

/** The counts of a test so far. JSON of some KB, which is stored between two parts of a test. */
export interface Tally {
  requests: number
  succeeded: number
  timeouts: number
  /** Requests that were not sent, because every connection was busy. */
  dropped: number
  /** Bytes of all response bodies. */
  bytes: number
  /** Time in which requests were sent. */
  seconds: number
  /** Number of responses by status. */
  statuses: Record<string, number>
  firstFailure: string | undefined
  /** Response times in microseconds: a compressed HDR histogram in base64. */
  latencies: string
}

export const EMPTY_TALLY: Readonly<Tally> = {
  requests: 0,
  succeeded: 0,
  timeouts: 0,
  dropped: 0,
  bytes: 0,
  seconds: 0,
  statuses: {},
  firstFailure: undefined,
  latencies: '',
}
