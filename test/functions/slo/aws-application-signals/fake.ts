import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import { restDenied, restError, restSignatureError } from '../../../platforms/aws-signature.ts'

/** The budget report of an SLO. */
interface Slo {
  Name: string
  BudgetStatus: string
  EvaluationType?: string
  Attainment?: number
  TotalBudgetSeconds?: number
  BudgetSecondsRemaining?: number
  TotalBudgetRequests?: number
  BudgetRequestsRemaining?: number
  Goal?: { AttainmentGoal?: number; WarningThreshold?: number; Interval?: object }
}

/** Returns the ARN of an SLO. */
export function arnOf(name: string): string {
  return `arn:aws:application-signals:eu-west-1:123456789012:slo/${name}`
}

/**
 * The REST API of CloudWatch Application Signals. An error has its type in a header and its message in the body.
 *
 * @see https://docs.aws.amazon.com/applicationsignals/latest/APIReference/API_BatchGetServiceLevelObjectiveBudgetReport.html
 */
export const startSignals = definePlatform({
  state: () => ({
    slos: initialSlos(),
    /** The reason for a missing report, by SLO. */
    errors: {} as Record<string, { ErrorCode: string; ErrorMessage: string }>,
    /** SLOs that are missing from every response. */
    forgotten: [] as string[],
    /** The caller's role does not allow requests. */
    denied: false,
  }),
  refuses: (call) => restSignatureError(call, 'application-signals'),
  routes: {
    'POST /budget-report': ({ state, body: { Timestamp, SloIds } }) => {
      if (state.denied) return restDenied('application-signals:BatchGetServiceLevelObjectiveBudgetReport')
      // A timestamp in milliseconds is thousands of years in the future and has no data.
      if (typeof Timestamp !== 'number' || Timestamp > 10_000_000_000)
        return restError(400, 'ValidationException', 'Timestamp is not valid.')
      const ids: string[] = SloIds ?? []
      if (ids.length < 1 || ids.length > 50 || new Set(ids).size < ids.length)
        return restError(400, 'ValidationException', "Value at 'sloIds' failed to satisfy constraint.")
      const names = ids.map((id) => id.replace(/^.*:slo\//, '')).filter((name) => !state.forgotten.includes(name))
      const reported = state.slos.filter(({ Name }) => names.includes(Name) && !state.errors[Name])
      const failed = names.filter((name) => !reported.some(({ Name }) => Name === name))
      return {
        Timestamp,
        Reports: reported.map((slo) => ({ Arn: arnOf(slo.Name), ...slo })),
        Errors: failed.map((name) => ({
          Name: name,
          Arn: arnOf(name),
          ErrorCode: 'ResourceNotFoundException',
          ErrorMessage: `SLO ${name} was not found.`,
          ...state.errors[name],
        })),
      }
    },
  },
  notFound: restError(404, 'UnknownOperationException', ''),
})

function initialSlos(): Slo[] {
  return [
    {
      Name: 'checkout-latency',
      BudgetStatus: 'OK',
      EvaluationType: 'PeriodBased',
      Attainment: 99.95,
      TotalBudgetSeconds: 2_592,
      BudgetSecondsRemaining: 2_106,
      Goal: {
        AttainmentGoal: 99.9,
        WarningThreshold: 30,
        Interval: { RollingInterval: { DurationUnit: 'DAY', Duration: 30 } },
      },
    },
    {
      Name: 'checkout requests',
      BudgetStatus: 'OK',
      EvaluationType: 'RequestBased',
      Attainment: 99.7,
      TotalBudgetRequests: 400,
      BudgetRequestsRemaining: 100,
      Goal: {
        AttainmentGoal: 99.5,
        WarningThreshold: 20,
        Interval: { CalendarInterval: { DurationUnit: 'MONTH', Duration: 1, StartTime: 1_764_000_000 } },
      },
    },
  ]
}
