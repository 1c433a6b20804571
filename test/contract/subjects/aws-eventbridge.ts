import '../../functions/aws.ts'
import { evaluated } from '../../functions/slo/drive.ts'
import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const put = 'POST /#X-Amz-Target=AWSEvents.PutEvents'
const action = 'push-report'
const report = { action, input: {}, data: { status: 'succeeded', result: 'warning', evaluation: evaluated } }
const eventBus = 'arn:aws:events:eu-west-1:123456789012:event-bus/deploys'

export const awsEventBridge: Subject = {
  name: 'aws-eventbridge',
  contract: 'aws-eventbridge',
  cases: [
    { action: 'check', how: 'the bus' },
    { ...report, how: 'an evaluation', says: 'an event on default' },
    { ...report, how: 'again', isRetry: true, says: 'an event on default' },
    { ...report, how: 'without an event id', noKey: true, says: 'an event on default' },
    { ...report, how: 'to a bus by its ARN', connection: { eventBus }, says: `an event on ${eventBus}` },
    {
      ...report,
      how: 'not taken',
      answers: {
        [put]: [
          { body: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'MalformedDetail', ErrorMessage: 'No JSON' }] } },
        ],
      },
      refused: true,
      says: 'MalformedDetail: No JSON',
    },
  ],
  run: driveProvider('slo', 'aws-eventbridge', { region: 'eu-west-1' }),
}
