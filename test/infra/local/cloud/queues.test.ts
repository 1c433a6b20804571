import { expect, test } from '@jest/globals'
import { authorizationWith } from '../../../../infra/local/cloud/index.ts'
import { ALERTS, localQueues } from '../../../../infra/local/functions.ts'
import { readQueueLengths } from '../../../../infra/local/queue-lengths.ts'
import { plain, startBefore } from './harness.ts'

const consumersOf = (hasSources: boolean) => localQueues(hasSources).flatMap(({ consumer }) => consumer ?? [])
const running = startBefore(() => ({ functions: plain(['secret']), queues: localQueues(false) }))

test('alerts have a consumer only if the runtime has the function that handles them', () => {
  expect([consumersOf(false), consumersOf(true)]).toEqual([[], [expect.any(String)]])
})

test('an alert without a consumer stays in the queue', async () => {
  const { endpoint, credentials } = running.cloud
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: authorizationWith(credentials), 'x-amz-target': 'AmazonSQS.SendMessage' },
    body: JSON.stringify({ QueueUrl: ALERTS, MessageBody: '{}' }),
  })
  expect(response.status).toBe(200)
  expect(await readQueueLengths(running.cloud)).toEqual({ waiting: 1, deadLetters: 0 })
})
