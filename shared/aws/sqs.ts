import { AwsService } from './service.ts'

const service = new AwsService({ host: 'sqs', variable: 'SQS' })

type Operation =
  | 'ChangeMessageVisibility'
  | 'GetQueueAttributes'
  | 'SendMessage'
  | 'SendMessageBatch'
  | 'StartMessageMoveTask'

/**
 * Calls SQS.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
 * @throws ServiceError, or the error of the network
 */
export async function sqs(operation: Operation, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` }
  return (await service.send({ method: 'POST', path: '/', headers, body: JSON.stringify(input) })).body
}
