import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { callJson, errorReason, refusalCode } from '../../../shared/aws/json-protocol.ts'
import * as rest from '../../../shared/aws/rest.ts'
import { sigV4Authorization } from '../../../shared/aws/sign.ts'
import { parseTime } from '../../../shared/evaluation/timeframe.ts'
import { withDescription } from '../../../shared/fields.ts'
import { defineReportProvider, type Report } from '../../../shared/providers/report.ts'
import { plainSingleLine } from '../../../shared/text/plain-text.ts'
import { numberOf } from '../../notification/templates/event-values.ts'
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

/** A request may have 1,000 metrics and 1 MB. Half the metrics stay below both, even with the longest names. */
const MAX_METRICS_PER_REQUEST = 500
const MAX_DIMENSION = 255
/** CloudWatch refuses values that are further from 0. */
const MAX_VALUE = 2 ** 360
const resultValues = { pass: 1, warning: 0.5, fail: 0 }

interface Datum {
  MetricName: string
  Dimensions: { Name: string; Value: string }[]
  Value: number
  /** Epoch seconds. Defaults to the time of the request. */
  Timestamp?: number
}

/**
 * Reports an evaluation as CloudWatch metrics: its score and result, and the value and result of each objective, at the
 * end of the evaluated time. A retry adds the same values at the same time, which keeps averages, minimums and maximums.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
 */
export const awsCloudWatch = defineReportProvider({
  title: platform,
  connection,
  baseUrl: (account) => rest.serviceUrl(account, { service, platform }),
  authorization: (account: Connection) =>
    sigV4Authorization({ service, platform, account: { ...account, region: rest.accountRegion(account, platform) } }),
  errorReason,
  isCredentialsError: rest.isCredentialsError,

  /** Sends no metrics. CloudWatch stores nothing, and refuses the empty list of an authorized caller. */
  async check({ http, connection: { namespace: Namespace } }) {
    try {
      await callJson(http, api, 'PutMetricData', { Namespace, MetricData: [] }, { isRead: true })
    } catch (error) {
      if (!/Parameter|^Validation/.test(refusalCode(error) ?? '')) throw error
    }
  },

  supportedFields: [],

  async report({ http, connection: { namespace: Namespace } }, _destination, report) {
    const { valid, outOfRange } = metricsOf(report)
    for (let index = 0; index < valid.length; index += MAX_METRICS_PER_REQUEST) {
      const input = { Namespace, MetricData: valid.slice(index, index + MAX_METRICS_PER_REQUEST) }
      await callJson(http, api, 'PutMetricData', input, { schema: z.optional(z.object({})) })
    }
    const omitted = outOfRange.length > 0 ? ` (${outOfRange.length} out of range)` : ''
    return { summary: `${valid.length} metrics in ${Namespace}${omitted}` }
  },
})

function metricsOf(report: Report): { valid: Datum[]; outOfRange: Datum[] } {
  const { evaluation, event } = report
  const timestamp = secondsOf(evaluation['timeEnd'])
  const subject = dimensionsOf({ Project: event.project, Stage: event.stage, Service: event.service })
  const datum = (MetricName: string, Value: number | undefined, more: Datum['Dimensions'] = []): Datum[] => {
    if (Value === undefined) return []
    const time = timestamp === undefined ? {} : { Timestamp: timestamp }
    return [{ MetricName, Dimensions: [...subject, ...more], Value, ...time }]
  }
  // An evaluation that ended as errored also has a score: 0.
  const isErrored = event.status === 'errored'
  const metrics = [
    ...datum('Score', isErrored ? undefined : numberOf(evaluation.score)),
    ...datum('Result', resultValues[isErrored ? 'fail' : evaluation.result]),
    ...objectivesOf(evaluation).flatMap(({ metric, value, status }) => {
      const objective = dimensionsOf({ Objective: metric })
      return [
        ...datum('ObjectiveValue', value, objective),
        ...datum('ObjectiveResult', status === 'info' ? undefined : resultValues[status], objective),
      ]
    }),
  ]
  const isValid = ({ Value }: Datum) => Math.abs(Value) <= MAX_VALUE
  return { valid: metrics.filter(isValid), outOfRange: metrics.filter((metric) => !isValid(metric)) }
}

/** Returns the dimensions with values in ASCII, as CloudWatch requires, without empty ones. */
function dimensionsOf(values: Record<string, string | undefined>): Datum['Dimensions'] {
  return Object.entries(values).flatMap(([Name, text = '']) => {
    const ascii = plainSingleLine(text, MAX_DIMENSION)
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .replace(/[^\x20-\x7e]+/g, '?')
    const Value = ascii.slice(0, MAX_DIMENSION).trim()
    return Value === '' ? [] : [{ Name, Value }]
  })
}

function secondsOf(time: unknown): number | undefined {
  const milliseconds = parseTime(time)
  return milliseconds === undefined ? undefined : Math.floor(milliseconds / 1_000)
}
