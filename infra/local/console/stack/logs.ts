import type { LambdaClient } from '@aws-sdk/client-lambda'
import { endpointOf } from '../../../../shared/aws/endpoint.ts'
import { sign } from '../../../../shared/aws/signature.ts'

/** A line in CloudWatch Logs. */
export interface StoredLine {
  /** Milliseconds since 1970. */
  timestamp: number
  message: string
  /** Lines of one execution environment, which handles one request at a time. */
  logStreamName: string
}

export interface LogQuery {
  logGroupName: string
  startTime: number
  endTime?: number | undefined
  /** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html */
  filterPattern?: string
  logStreamNames?: string[]
}

interface LogPage {
  events?: Partial<StoredLine>[]
  nextToken?: string
}

const TIMEOUT_MS = 10_000

/** Reads log groups, with the credentials and the region of another client. */
export class LogReader {
  readonly #credentialsOf: Pick<LambdaClient, 'config'>

  constructor(credentialsOf: Pick<LambdaClient, 'config'>) {
    this.#credentialsOf = credentialsOf
  }

  /**
   * Reads a page of the lines that match, oldest first. A page can be empty although there are more.
   *
   * Not with the SDK: one operation does not need another client.
   *
   * @throws Error with the name of the error of AWS, or the error of the network
   * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
   */
  async page(query: LogQuery, nextToken?: string): Promise<{ lines: StoredLine[]; nextToken: string | undefined }> {
    const { config } = this.#credentialsOf
    const [credentials, region] = await Promise.all([config.credentials(), config.region()])
    const url = new URL(
      endpointOf({ host: 'logs', variable: 'CLOUDWATCH_LOGS' }, { ...process.env, AWS_REGION: region }),
    )
    const body = JSON.stringify({ ...query, ...(nextToken && { nextToken }) })
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Logs_20140328.FilterLogEvents' }
    const signed = sign({ method: 'POST', url, headers, body }, { ...credentials, service: 'logs', region }, new Date())
    const response = await fetch(url, {
      method: 'POST',
      headers: signed,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    if (!response.ok) throw errorOf(response.status, text)
    const { events = [], nextToken: next } = JSON.parse(text) as LogPage
    return {
      lines: events.map(({ timestamp = 0, message = '', logStreamName = '' }) => ({
        timestamp,
        message,
        logStreamName,
      })),
      nextToken: next,
    }
  }

  /** Reads the lines that match, oldest first, up to a number of pages. @throws as `page` */
  async lines(query: LogQuery, maxPages: number): Promise<StoredLine[]> {
    const all: StoredLine[] = []
    let token: string | undefined
    for (let number = 0; number < maxPages; number++) {
      const { lines, nextToken } = await this.page(query, token)
      all.push(...lines)
      token = nextToken
      if (token === undefined) break
    }
    return all
  }
}

function errorOf(status: number, text: string): Error {
  const { __type: type = '', message = `CloudWatch Logs responded with ${status}` } = parse(text)
  return Object.assign(new Error(message), { name: type.split('#').at(-1) || 'UnknownError' })
}

function parse(text: string): { __type?: string; message?: string } {
  try {
    return JSON.parse(text)
  } catch {
    // A proxy may answer with a web page. The status is enough.
    return {}
  }
}
