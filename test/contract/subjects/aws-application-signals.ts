import type { Case, Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

// Only what requests are signed with: no account is behind it.
process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'a-test-secret-access-key'

const ask = 'POST /budget-report'
const slo = 'checkout-latency'
const time = { start: '2025-11-24T10:00:00Z', end: '2025-11-24T10:05:00Z' }

type Example = { Reports: object[] }
const as = (more: object) => ({
  body: (example: Example) => ({ ...example, Reports: example.Reports.map((one) => ({ ...one, ...more })) }),
})
const request = (how: string, more: Partial<Case> = {}): Case => ({
  action: 'request-evaluation',
  how,
  input: { slo, ...time },
  ...more,
})
const arn = `arn:aws:application-signals:eu-west-1:123456789012:slo/${slo}`

export const awsApplicationSignals: Subject = {
  name: 'aws-application-signals',
  contract: 'aws-application-signals',
  cases: [
    { action: 'check', how: 'the role' },
    { action: 'check', how: 'an SLO', connection: { slo } },
    request('that is met', { says: 'passed with a score of 100' }),
    request('of several, one of them by its ARN', { input: { queries: { a: slo, b: arn }, ...time }, says: 'passed' }),
    request('against thresholds', {
      input: { queries: { a: slo }, thresholds: [{ metric: 'a', op: '>', value: 99 }], ...time },
      silent: true,
      says: 'passed',
    }),
    request('with little budget', {
      answers: { [ask]: [as({ BudgetStatus: 'WARNING' })] },
      refused: true,
      says: 'ended with a warning',
    }),
    request('that is missed', {
      answers: { [ask]: [as({ BudgetStatus: 'BREACHED', Attainment: 99 })] },
      refused: true,
      says: 'checkout-latency is 99, not >=99.9',
    }),
    request('without data', {
      answers: { [ask]: [as({ BudgetStatus: 'INSUFFICIENT_DATA', Attainment: undefined })] },
      refused: true,
      says: 'AWS reports INSUFFICIENT_DATA',
    }),
    request('of an SLO that is not there', {
      answers: {
        [ask]: [
          {
            body: {
              Timestamp: 1_700_000_000,
              Reports: [],
              Errors: [{ Name: slo, Arn: arn, ErrorCode: 'ResourceNotFound', ErrorMessage: 'It does not exist.' }],
            },
          },
        ],
      },
      refused: true,
      says: 'It does not exist.',
    }),
    request('refused', {
      answers: { [ask]: [{ status: 400, body: { message: 'It is not valid.' } }] },
      refused: true,
      says: 'It is not valid.',
    }),
  ],
  run: driveProvider('slo', 'aws-application-signals', { region: 'eu-west-1' }),
}
