import '../../functions/aws.ts'
import { evaluated } from '../../functions/slo/drive.ts'
import type { Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const put = 'POST /#X-Amz-Target=GraniteServiceVersion20100801.PutMetricData'
const action = 'push-report'
const report = { action, input: {}, data: { status: 'succeeded', result: 'warning', evaluation: evaluated } }

export const awsCloudWatch: Subject = {
  name: 'aws-cloudwatch',
  contract: 'aws-cloudwatch',
  cases: [
    {
      action: 'check',
      how: 'the role',
      answers: { [put]: [{ status: 400, body: { __type: 'X#MissingRequiredParameterException', message: 'none' } }] },
    },
    { ...report, how: 'an evaluation', says: '6 metrics in CloudAutomation/SLO' },
    { ...report, how: 'again', isRetry: true, says: '6 metrics' },
    { ...report, how: 'without an event id', noKey: true, says: '6 metrics' },
    { ...report, how: 'to another namespace', connection: { namespace: 'Shop/Quality' }, says: 'Shop/Quality' },
    {
      ...report,
      how: 'refused',
      answers: { [put]: [{ status: 400, body: { message: 'The value is too large' } }] },
      refused: true,
      says: 'The value is too large',
    },
  ],
  run: driveProvider('slo', 'aws-cloudwatch', { region: 'eu-west-1' }),
}
