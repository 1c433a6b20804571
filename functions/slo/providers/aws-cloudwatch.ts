import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { callJson, reason } from '../../../shared/aws/json-protocol.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { Failure } from '../../../shared/errors.ts'
import { parseTime } from '../../../shared/evaluation/timeframe.ts'
import { withDescription } from '../../../shared/fields.ts'
import { defineReportProvider, type Report } from '../../../shared/providers/report.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { numberOf } from '../../notification/templates/values.ts'
import { objectivesOf } from '../objectives.ts'

const namespace = z.string().check(z.regex(/^(?!AWS\/)[\w./#-][\w./#:-]{0,254}$/))
const connection = z.strictObject({
  ...awsAccountFields,
  namespace: z._default(withDescription(namespace, 'The namespace of the metrics'), 'CloudAutomation/SLO'),
})
type Connection = z.output<typeof connection>

const platform = 'AWS CloudWatch'
const service = 'monitoring'
const api = { target: 'GraniteServiceVersion20100801', version: '1.0' } as const

/** A call takes 1,000 and 1 MB: so many are below both, whatever their names. */
const mostInCall = 500
const longestDimension = 255
/** What is further from 0 is refused. */
const largest = 2 ** 360
const verdicts = { pass: 1, warning: 0.5, fail: 0 }

interface Datum {
  MetricName: string
  Dimensions: { Name: string; Value: string }[]
  Value: number
  /** Seconds; where it is left out, the time of the call. */
  Timestamp?: number
}

/**
 * Metrics in Amazon CloudWatch: score and result of an evaluation, and value and result of each objective, as of the end of the
 * time that was evaluated. A repeat adds the same values at the same time, which changes no average, minimum or maximum.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
 */
export const awsCloudWatch = defineReportProvider({
  title: platform,
  connection,
  baseUrl: (account) => rest.endpointOf(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.regionOf(account, platform) } }),
  errorReason: reason,
  isCredentialsError: rest.refusesCredentials,

  /** Of no metrics nothing is kept; whoever may send some is told that there are none. */
  async check({ http, connection: { namespace: Namespace } }) {
    try {
      await callJson(http, api, 'PutMetricData', { Namespace, MetricData: [] }, { isRead: true })
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'refused') throw error
      if (!/: (?:\w*Parameter\w*|Validation\w*): /.test(error.message)) throw error
    }
  },

  supportedFields: [],

  async report({ http, connection: { namespace: Namespace } }, _to, report) {
    const { sent, unfit } = metricsOf(report)
    for (let at = 0; at < sent.length; at += mostInCall) {
      const input = { Namespace, MetricData: sent.slice(at, at + mostInCall) }
      await callJson(http, api, 'PutMetricData', input, { schema: z.optional(z.object({})) })
    }
    const left = unfit.length > 0 ? `, less ${unfit.length} that it does not take` : ''
    return { summary: `${sent.length} metrics in ${Namespace}${left}` }
  },
})

function metricsOf(report: Report): { sent: Datum[]; unfit: Datum[] } {
  const { evaluation, event } = report
  const at = secondsOf(evaluation['timeEnd'])
  const about = dimensionsOf({ Project: event.project, Stage: event.stage, Service: event.service })
  const datum = (MetricName: string, Value: number | undefined, more: Datum['Dimensions'] = []): Datum[] => {
    if (Value === undefined) return []
    return [{ MetricName, Dimensions: [...about, ...more], Value, ...(at === undefined ? {} : { Timestamp: at }) }]
  }
  // A score of 0 stands beside what could not be evaluated, too.
  const errored = event.status === 'errored'
  const all = [
    ...datum('Score', errored ? undefined : numberOf(evaluation.score)),
    ...datum('Result', verdicts[errored ? 'fail' : evaluation.result]),
    ...objectivesOf(evaluation).flatMap(({ metric, value, status }) => {
      const objective = dimensionsOf({ Objective: metric })
      return [
        ...datum('ObjectiveValue', value, objective),
        ...datum('ObjectiveResult', status === 'info' ? undefined : verdicts[status], objective),
      ]
    }),
  ]
  const fits = ({ Value }: Datum) => Math.abs(Value) <= largest
  return { sent: all.filter(fits), unfit: all.filter((one) => !fits(one)) }
}

/** ASCII, as CloudWatch wants it; what says nothing is left out. */
function dimensionsOf(named: Record<string, string | undefined>): Datum['Dimensions'] {
  return Object.entries(named).flatMap(([Name, text = '']) => {
    const ascii = plainSingleLine(text, longestDimension)
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .replace(/[^\x20-\x7e]+/g, '?')
    const Value = ascii.slice(0, longestDimension).trim()
    return Value === '' ? [] : [{ Name, Value }]
  })
}

function secondsOf(time: unknown): number | undefined {
  const at = parseTime(time)
  return at === undefined ? undefined : Math.floor(at / 1_000)
}
