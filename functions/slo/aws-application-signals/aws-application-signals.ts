import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { consoleUrl } from '../../../shared/aws/console.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure, refused, retryLater } from '../../../shared/errors.ts'
import { atLeast } from '../../../shared/evaluation/criteria.ts'
import type { MeasuredIndicator } from '../../../shared/evaluation/score.ts'
import type { Http } from '../../../shared/http/client.ts'
import { defineEvaluationProvider, evaluationFields } from '../../../shared/providers/evaluation/provider.ts'
import type { Query } from '../../../shared/providers/evaluation/queries.ts'
import { invalidQuery } from '../invalid-query.ts'

const connection = z.strictObject({ ...awsAccountFields, ...evaluationFields })
type Connection = z.output<typeof connection>

const platform = 'AWS Application Signals'
const service = 'application-signals'
const namePattern = /^[0-9A-Za-z][-._0-9A-Za-z ]{0,126}[0-9A-Za-z]$/
const arnPattern =
  /^arn:[a-z-]+:application-signals:([a-z0-9-]+):\d{12}:slo\/[0-9A-Za-z][-._0-9A-Za-z ]{0,126}[0-9A-Za-z]$/
const MISSING_SLO = 'cloud-automation-webhooks-none'

const text = z.nullish(z.string())
const number = z.nullish(z.number())
const interval = z.object({ Duration: z.number(), DurationUnit: z.string() })
const budgetReport = z.object({
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
      Interval: z.nullish(z.object({ RollingInterval: z.nullish(interval), CalendarInterval: z.nullish(interval) })),
    }),
  ),
})
type BudgetReport = z.output<typeof budgetReport>
const reportError = z.object({ Arn: text, Name: text, ErrorCode: text, ErrorMessage: text })
type ReportError = z.output<typeof reportError>
const budgetReports = z.object({ Reports: z.array(budgetReport), Errors: z.nullish(z.array(reportError)) })

export const verdicts = new Map([
  ['OK', 'pass'],
  ['WARNING', 'warning'],
  ['BREACHED', 'fail'],
] as const)

/**
 * Evaluates SLOs of Amazon CloudWatch Application Signals by their error budget at the end of the requested time. The
 * budget covers the SLO's own interval; a caller cannot change it.
 *
 * @see https://docs.aws.amazon.com/applicationsignals/latest/APIReference/API_BatchGetServiceLevelObjectiveBudgetReport.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-ServiceLevelObjectives.html
 */
export const awsApplicationSignals = defineEvaluationProvider({
  title: platform,
  connection,
  baseUrl: (account) => rest.serviceUrl(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.accountRegion(account, platform) } }),
  errorReason: rest.errorReason,
  isCredentialsError: rest.isCredentialsError,
  queryNoun: 'the name or the ARN of an SLO',
  hasOwnVerdict: true as const,
  // Metrics of one minute that arrive some minutes late.
  dataDelay: 300,

  async check({ http, connection: { slo, queries = [] } }) {
    // Queries with placeholders do not name an SLO until there is an event.
    const slos = [...queries.map(({ query }) => query), ...(slo === undefined ? [] : [slo])].filter(isSlo)
    try {
      const { Errors } = await getBudgetReports(http, slos.length > 0 ? slos : [MISSING_SLO], Date.now())
      const [first] = Errors ?? []
      if (slos.length > 0 && first) throw failureOf(first.Name ?? first.Arn ?? '', first)
    } catch (error) {
      // Permissions are granted for SLOs. Without one, a refusal still proves that AWS accepts the credentials.
      if (slos.length > 0 || !(error instanceof Failure) || error.kind !== 'refused') throw error
    }
  },

  checkQueries(queries, account) {
    const ownRegion = rest.accountRegion(account, platform)
    for (const { name, query } of queries) {
      const [, region = ownRegion] = arnPattern.exec(query) ?? []
      if (!isSlo(query)) throw invalidQuery(name, 'is not the name or the ARN of an SLO')
      if (region !== ownRegion) throw invalidQuery(name, `is an SLO in ${region}, but the connection uses ${ownRegion}`)
    }
  },

  async measure({ http, connection }, { queries, end }) {
    const slos = queries.map(({ query }) => query)
    const { Reports, Errors } = await getBudgetReports(http, slos, end)
    const region = rest.accountRegion(connection, platform)
    const measured = queries.map((query) => {
      const error = Errors?.find((item) => isAbout(query, item))
      if (error) throw failureOf(query.name, error)
      const report = Reports.find((item) => isAbout(query, item))
      return report
        ? measuredOf(query.name, report, region)
        : { name: query.name, value: undefined, message: 'AWS returned no report of this SLO' }
    })
    return { measured }
  },
})

/** @param at epoch milliseconds. The API takes seconds, contrary to its documentation. */
async function getBudgetReports(
  http: Http,
  slos: readonly string[],
  at: number,
): Promise<z.output<typeof budgetReports>> {
  const body = { Timestamp: Math.floor(at / 1_000), SloIds: [...new Set(slos)] }
  return (await http.post('budget-report', body, { isRead: true, schema: budgetReports })).body
}

function isSlo(query: string): boolean {
  return namePattern.test(query) || arnPattern.test(query)
}

function isAbout({ query }: Query, { Arn, Name }: Pick<ReportError, 'Arn' | 'Name'>): boolean {
  return query === Arn || query === Name
}

function failureOf(name: string, { ErrorCode, ErrorMessage }: ReportError): Failure {
  const reason = rest.errorReason({ message: ErrorMessage ?? undefined }) ?? 'no reason given'
  const message = `The query of ${name}: ${platform} answered ${[ErrorCode, reason].filter(Boolean).join(': ')}`
  return /Throttl|Internal|Unavailable/.test(ErrorCode ?? '') ? retryLater(message) : refused(message)
}

function measuredOf(name: string, report: BudgetReport, region: string): MeasuredIndicator {
  const { Name, BudgetStatus, Attainment, Goal } = report
  const url = `${consoleUrl(region, 'cloudwatch/home')}#application-signals:slo/${encodeURIComponent(Name)}`
  const status = verdicts.get(BudgetStatus as 'OK')
  if (!status || typeof Attainment !== 'number') {
    const message = `AWS reports ${BudgetStatus}${status ? ' without an attainment' : ''}`
    return { name, value: undefined, message, url }
  }
  const goal = Goal?.AttainmentGoal
  const errorBudget = errorBudgetOf(report)
  const warnings = status === 'warning' ? [warningOf(errorBudget, Goal?.WarningThreshold)] : []
  return {
    name,
    value: Attainment,
    message: [...warnings, intervalOf(report)].filter(Boolean).join(', '),
    verdict: { status, ...(typeof goal === 'number' ? { pass: atLeast(goal) } : {}) },
    errorBudget,
    url,
  }
}

/** Returns the percentage of the error budget that is left, below 0 if it is overdrawn. Budgets are seconds or requests. */
function errorBudgetOf(report: BudgetReport): number | undefined {
  const { TotalBudgetSeconds, BudgetSecondsRemaining, TotalBudgetRequests, BudgetRequestsRemaining } = report
  const [total, remaining] =
    typeof TotalBudgetSeconds === 'number'
      ? [TotalBudgetSeconds, BudgetSecondsRemaining]
      : [TotalBudgetRequests, BudgetRequestsRemaining]
  return total && typeof remaining === 'number' ? (100 * remaining) / total : undefined
}

/** A warning is about the error budget; the attainment itself may meet the goal. */
function warningOf(errorBudget: number | undefined, threshold: number | null | undefined): string {
  if (errorBudget === undefined) return 'the error budget is low'
  const limit = typeof threshold === 'number' ? `, and AWS warns below ${threshold}%` : ''
  return `${Math.round(errorBudget * 10) / 10}% of the error budget is left${limit}`
}

function intervalOf({ Goal }: BudgetReport): string {
  const { RollingInterval, CalendarInterval } = Goal?.Interval ?? {}
  if (RollingInterval) return `over the last ${formatInterval(RollingInterval)}, the interval of the SLO`
  return CalendarInterval ? `over the calendar interval of the SLO, ${formatInterval(CalendarInterval)}` : ''
}

function formatInterval({ Duration, DurationUnit }: z.output<typeof interval>): string {
  return `${Duration} ${DurationUnit.toLowerCase()}${Duration === 1 ? '' : 's'}`
}
