import { type Call, ok, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'
import { restDenied, restError, restSignatureError } from './aws-signature.ts'

/** An SLO as its budget report shows it. */
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

/** The state of the fake. Tests read and change it. */
interface SignalsState {
  slos: Slo[]
  /** Why there is no report for an SLO, by name. */
  errors: Record<string, { ErrorCode: string; ErrorMessage: string }>
  /** SLOs that are missing from every response. */
  forgotten: string[]
  /** Whether the caller's role does not allow to ask. */
  denied: boolean
}

export interface SignalsServer extends Served {
  state: SignalsState
}

const region = 'eu-west-1'
const account = '123456789012'

/** The ARN of an SLO. */
export function arnOf(name: string): string {
  return `arn:aws:application-signals:${region}:${account}:slo/${name}`
}

/**
 * CloudWatch Application Signals as its REST API answers: the kind of an error in a header, its words in the body.
 *
 * @see https://docs.aws.amazon.com/applicationsignals/latest/APIReference/API_BatchGetServiceLevelObjectiveBudgetReport.html
 */
export async function startSignals(): Promise<SignalsServer> {
  const state: SignalsState = {
    slos: [
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
    ],
    errors: {},
    forgotten: [],
    denied: false,
  }
  return { ...(await serve((call) => answer(state, call))), state }
}

function answer(state: SignalsState, call: Call): Reply {
  const unsigned = restSignatureError(call, 'application-signals')
  if (unsigned) return unsigned
  if (call.method !== 'POST' || call.path !== '/budget-report') return restError(404, 'UnknownOperationException', '')
  if (state.denied) return restDenied('application-signals:BatchGetServiceLevelObjectiveBudgetReport')
  const { Timestamp, SloIds } = (call.body ?? {}) as { Timestamp?: unknown; SloIds?: string[] }
  // A timestamp in milliseconds is thousands of years in the future and has no data.
  if (typeof Timestamp !== 'number' || Timestamp > 10_000_000_000)
    return restError(400, 'ValidationException', 'Timestamp is not valid.')
  if (!SloIds || SloIds.length < 1 || SloIds.length > 50 || new Set(SloIds).size < SloIds.length)
    return restError(400, 'ValidationException', "Value at 'sloIds' failed to satisfy constraint.")
  const names = SloIds.map((id) => id.replace(/^.*:slo\//, '')).filter((name) => !state.forgotten.includes(name))
  const reports = names.flatMap((name) => state.slos.find((slo) => slo.Name === name && !state.errors[name]) ?? [])
  const failed = names.filter((name) => !reports.some(({ Name }) => Name === name))
  const none = (name: string) => ({
    ErrorCode: 'ResourceNotFoundException',
    ErrorMessage: `SLO ${name} was not found.`,
  })
  return ok({
    Timestamp,
    Reports: reports.map((slo) => ({ Arn: arnOf(slo.Name), ...slo })),
    Errors: failed.map((name) => ({ Name: name, Arn: arnOf(name), ...(state.errors[name] ?? none(name)) })),
  })
}
