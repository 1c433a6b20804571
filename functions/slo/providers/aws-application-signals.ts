import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure } from '../../../shared/errors.ts'
import { atLeast } from '../../../shared/evaluation/criteria.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import type { Http } from '../../../shared/http/client.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'
import type { Query } from '../../../shared/providers/evaluation/queries.ts'

const connection = z.strictObject({ ...awsAccountFields, ...evaluationFields })
type Connection = z.output<typeof connection>

const platform = 'AWS Application Signals'
const service = 'application-signals'
const sloName = /^[0-9A-Za-z][-._0-9A-Za-z ]{0,126}[0-9A-Za-z]$/
const sloArn = /^arn:[a-z-]+:application-signals:([a-z0-9-]+):\d{12}:slo\/[0-9A-Za-z][-._0-9A-Za-z ]{0,126}[0-9A-Za-z]$/
const noSlo = 'cloud-automation-webhooks-none'

const text = z.nullish(z.string())
const number = z.nullish(z.number())
const length = z.object({ Duration: z.number(), DurationUnit: z.string() })
const report = z.object({
  Arn: z.string(),
  Name: z.string(),
  BudgetStatus: z.string(),
  Attainment: number,
  TotalBudgetSeconds: number,
  BudgetSecondsRemaining: number,
  TotalBudgetRequests: number,
  BudgetRequestsRemaining: number,
  Goal: z.nullish(
    z.object({
      AttainmentGoal: number,
      WarningThreshold: number,
      Interval: z.nullish(z.object({ RollingInterval: z.nullish(length), CalendarInterval: z.nullish(length) })),
    }),
  ),
})
type BudgetReport = z.output<typeof report>
const fault = z.object({ Arn: text, Name: text, ErrorCode: text, ErrorMessage: text })
type Fault = z.output<typeof fault>
const answer = z.object({ Reports: z.array(report), Errors: z.nullish(z.array(fault)) })

export const verdicts = new Map([
  ['OK', 'pass'],
  ['WARNING', 'warning'],
  ['BREACHED', 'fail'],
] as const)

/**
 * Amazon CloudWatch Application Signals: each indicator is an SLO, judged by what is left of its error budget at the end of the
 * time that is evaluated. How far back it looks from there is the SLO's own interval, and nothing that a caller says.
 *
 * @see https://docs.aws.amazon.com/applicationsignals/latest/APIReference/API_BatchGetServiceLevelObjectiveBudgetReport.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-ServiceLevelObjectives.html
 */
export const awsApplicationSignals = defineEvaluationProvider({
  title: platform,
  connection,
  baseUrl: (account) => rest.endpointOf(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.regionOf(account, platform) } }),
  errorReason: rest.reason,
  isCredentialsError: rest.refusesCredentials,
  queryNoun: 'the name or the ARN of an SLO',
  hasOwnVerdict: true as const,
  // The metrics of Application Signals are of a minute, and come some minutes after it.
  dataDelay: 300,

  async check({ http, connection: { slo, queries = [] } }) {
    // What stands for something of an event is known when there is one.
    const known = [...queries.map(({ query }) => query), ...(slo === undefined ? [] : [slo])].filter(isSlo)
    try {
      const { Errors } = await ask(http, known.length > 0 ? known : [noSlo], Date.now())
      const [first] = Errors ?? []
      if (known.length > 0 && first) throw refused(first.Name ?? first.Arn ?? '', first)
    } catch (error) {
      // What is allowed is allowed for SLOs: without one, a refusal says at least that AWS knows who asks.
      if (known.length > 0 || !(error instanceof Failure) || error.kind !== 'refused') throw error
    }
  },

  checkQueries(queries, account) {
    const called = rest.regionOf(account, platform)
    for (const { name, query } of queries) {
      const [, region = called] = sloArn.exec(query) ?? []
      if (!isSlo(query)) throw invalid(name, 'is no SLO: write its name, or its ARN')
      if (region !== called) throw invalid(name, `is an SLO of ${region}, and the connection is one to ${called}`)
    }
  },

  async measure({ http, connection }, { queries, end }) {
    const { Reports, Errors } = await ask(
      http,
      queries.map(({ query }) => query),
      end,
    )
    const region = rest.regionOf(connection, platform)
    const measured = queries.map((query) => {
      const fault = Errors?.find((one) => isOf(query, one))
      if (fault) throw refused(query.name, fault)
      const found = Reports.find((one) => isOf(query, one))
      return found
        ? measuredOf(query.name, found, region)
        : { name: query.name, value: undefined, message: 'AWS answered without a report of it' }
    })
    return { measured }
  },
})

/** @param at epoch milliseconds; on the wire it is seconds, whatever AWS's page says */
async function ask(http: Http, slos: readonly string[], at: number): Promise<z.output<typeof answer>> {
  const body = { Timestamp: Math.floor(at / 1_000), SloIds: [...new Set(slos)] }
  return (await http.post('budget-report', body, { isRead: true, schema: answer })).body
}

function isSlo(query: string): boolean {
  return sloName.test(query) || sloArn.test(query)
}

function isOf({ query }: Query, { Arn, Name }: Pick<Fault, 'Arn' | 'Name'>): boolean {
  return query === Arn || query === Name
}

function refused(name: string, { ErrorCode, ErrorMessage }: Fault): Failure {
  const said = rest.reason({ message: ErrorMessage ?? undefined }) ?? 'no reason given'
  const message = `The query of ${name}: ${platform} answered ${[ErrorCode, said].filter(Boolean).join(': ')}`
  // What AWS has not managed now it may manage later, also of one among many.
  return new Failure(/Throttl|Internal|Unavailable/.test(ErrorCode ?? '') ? 'platform' : 'refused', message)
}

function invalid(name: string, message: string): Failure {
  const what = `The query of ${name} ${message}`
  return new Failure('invalid', what, { errors: [{ path: `queries.${name}`, message }] })
}

function measuredOf(name: string, report: BudgetReport, region: string): MeasuredIndicator {
  const { Name, BudgetStatus, Attainment, Goal } = report
  const url = `${consoleUrl(region, 'cloudwatch/home')}#application-signals:slo/${encodeURIComponent(Name)}`
  const status = verdicts.get(BudgetStatus as 'OK')
  if (!status || typeof Attainment !== 'number')
    return { name, value: undefined, message: `AWS says ${BudgetStatus}${status ? ', and no attainment' : ''}`, url }
  const goal = Goal?.AttainmentGoal
  const errorBudget = leftOf(report)
  const warned = status === 'warning' ? [warningOf(errorBudget, Goal?.WarningThreshold)] : []
  return {
    name,
    value: Attainment,
    message: [...warned, intervalOf(report)].filter(Boolean).join(', '),
    verdict: {
      status,
      ...(typeof goal === 'number' ? { pass: atLeast(goal) } : {}),
    },
    errorBudget,
    url,
  }
}

/** Percent that is left: of time where periods are counted, else of requests. Below 0 it is overdrawn. */
function leftOf(report: BudgetReport): number | undefined {
  const { TotalBudgetSeconds, BudgetSecondsRemaining, TotalBudgetRequests, BudgetRequestsRemaining } = report
  const [total, left] =
    typeof TotalBudgetSeconds === 'number'
      ? [TotalBudgetSeconds, BudgetSecondsRemaining]
      : [TotalBudgetRequests, BudgetRequestsRemaining]
  return total && typeof left === 'number' ? (100 * left) / total : undefined
}

/** A warning is one of the budget: the attainment itself may be at its goal. */
function warningOf(left: number | undefined, threshold: number | null | undefined): string {
  const below = typeof threshold === 'number' ? `, and AWS warns below ${threshold}%` : ''
  return left === undefined
    ? 'little of the error budget is left'
    : `${round(left)}% of the error budget is left${below}`
}

function intervalOf({ Goal }: BudgetReport): string {
  const { RollingInterval, CalendarInterval } = Goal?.Interval ?? {}
  if (RollingInterval) return `over the SLO's own last ${spanOf(RollingInterval)}`
  return CalendarInterval ? `over the SLO's own calendar interval of ${spanOf(CalendarInterval)}` : ''
}

function spanOf({ Duration, DurationUnit }: z.output<typeof length>): string {
  return `${Duration} ${DurationUnit.toLowerCase()}${Duration === 1 ? '' : 's'}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
