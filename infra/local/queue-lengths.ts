import { authorizationWith, type LocalCloud } from './cloud/index.ts'
import { ALERT_DEAD_LETTERS, ALERTS } from './functions.ts'

/** How many messages about alerts wait in the queue, and how many are with the dead letters. */
export interface QueueLengths {
  waiting: number
  deadLetters: number
}

/** Reads how many alerts wait. */
export async function readQueueLengths({
  endpoint,
  credentials,
}: Pick<LocalCloud, 'endpoint' | 'credentials'>): Promise<QueueLengths> {
  const [waiting = 0, deadLetters = 0] = await Promise.all(
    [ALERTS, ALERT_DEAD_LETTERS].map(async (queue) => {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { authorization: authorizationWith(credentials), 'x-amz-target': 'AmazonSQS.GetQueueAttributes' },
        body: JSON.stringify({ QueueUrl: queue, AttributeNames: ['ApproximateNumberOfMessages'] }),
      })
      const { Attributes: attributes } = (await response.json()) as { Attributes?: Record<string, string> }
      return Number(attributes?.['ApproximateNumberOfMessages'] ?? 0)
    }),
  )
  return { waiting, deadLetters }
}
