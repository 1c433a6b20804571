import { AwsService } from './service.ts'

const service = new AwsService({ host: 'events', variable: 'EVENTBRIDGE' })

interface BusEvent {
  source: string
  detailType: string
  /** JSON. */
  detail: string
}

/**
 * Sends an event to the default bus of the account.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @throws Error with the reason of EventBridge, ServiceError, or the error of the network
 */
export async function putEvent({ source, detailType, detail }: BusEvent, timeoutMs: number): Promise<void> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' }
  const event = { Source: source, DetailType: detailType, Detail: detail }
  const request = { method: 'POST', path: '/', headers, body: JSON.stringify({ Entries: [event] }) }
  const { body } = await service.send(request, { timeoutMs })
  const { Entries: [entry] = [] } = body as { Entries?: { ErrorCode?: string; ErrorMessage?: string }[] }
  if (entry?.ErrorCode !== undefined) throw new Error(`${entry.ErrorCode}: ${entry.ErrorMessage}`)
}
