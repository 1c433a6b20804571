import { casesOf, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

// Only what requests are signed with: no account is behind it.
process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDEXAMPLE'
process.env['AWS_SECRET_ACCESS_KEY'] ??= 'a-test-secret-access-key'

const ask = 'POST /budget-report'
const slo = 'checkout-latency'
const time = { start: '2025-11-24T10:00:00Z', end: '2025-11-24T10:05:00Z' }

type Example = { Reports: object[] }
const requests = casesOf('request-evaluation', { slo, ...time })
/** The report of the example, with other fields. */
const as = (more: object) =>
  answered((example: Example) => ({ ...example, Reports: example.Reports.map((one) => ({ ...one, ...more })) }))
const answered = (body: unknown, more: object = {}) => ({ answers: { [ask]: [{ body, ...more }] } })
const arn = `arn:aws:application-signals:eu-west-1:123456789012:slo/${slo}`

export const awsApplicationSignals: Subject = {
  name: 'aws-application-signals',
  contract: 'aws-application-signals',
  cases: [
    { action: 'check', how: 'the role' },
    { action: 'check', how: 'an SLO', connection: { slo } },
    requests.passes('that is met', 'passed with a score of 100'),
    requests.passes('of several, one of them by its ARN', 'passed', {
      input: { slo: undefined, queries: { a: slo, b: arn } },
    }),
    requests.passes('against thresholds', 'passed', {
      input: { slo: undefined, queries: { a: slo }, thresholds: [{ metric: 'a', op: '>', value: 99 }] },
      silent: true,
    }),
    requests.fails('with little budget', 'ended with a warning', as({ BudgetStatus: 'WARNING' })),
    requests.fails(
      'that is missed',
      'checkout-latency is 99, not >=99.9',
      as({ BudgetStatus: 'BREACHED', Attainment: 99 }),
    ),
    requests.fails(
      'without data',
      'AWS reports INSUFFICIENT_DATA',
      as({ BudgetStatus: 'INSUFFICIENT_DATA', Attainment: undefined }),
    ),
    requests.fails(
      'of an SLO that is not there',
      'It does not exist.',
      answered({
        ...{ Timestamp: 1_700_000_000, Reports: [] },
        Errors: [{ Name: slo, Arn: arn, ErrorCode: 'ResourceNotFound', ErrorMessage: 'It does not exist.' }],
      }),
    ),
    requests.fails('refused', 'It is not valid.', answered({ message: 'It is not valid.' }, { status: 400 })),
  ],
  run: driveProvider('slo', 'aws-application-signals', { region: 'eu-west-1' }),
}
