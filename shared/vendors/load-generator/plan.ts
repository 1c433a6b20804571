/** What is sent, and how fast: JSON, without secrets. */
export interface Plan {
  url: string
  method: string
  headers: Record<string, string>
  body?: string | undefined
  /** Requests per second. */
  rate: number
  connections: number
  /** Seconds until a request has failed. */
  timeout: number
  /** Statuses that are a success; where there are none, those from 200 to 299. */
  expect: number[]
}

/** What it has come to so far: JSON, of some KB, to be kept between two parts of a test. */
export interface Tally {
  requests: number
  succeeded: number
  timeouts: number
  /** Not sent, since every connection was busy. */
  dropped: number
  /** Of the answers' bodies. */
  bytes: number
  /** In which requests were sent. */
  seconds: number
  /** Status -> how many. */
  statuses: Record<string, number>
  firstFailure: string | undefined
  /** How long the answers took, in microseconds: an HDR histogram, compressed, in base64. */
  latencies: string
}

export const nothing: Readonly<Tally> = {
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
