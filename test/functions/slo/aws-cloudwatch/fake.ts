import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { awsError, defineJsonService } from '../../../platforms/aws-json.ts'

interface Datum {
  MetricName: string
  Dimensions: { Name: string; Value: string }[]
  Value: number
  Timestamp?: number
}

const TWO_WEEKS = 14 * 24 * 3_600
const TWO_HOURS = 2 * 3_600
const MAX_VALUE = 2 ** 360
const MAX_BYTES = 1_024 * 1_024
const MAX_DATA = 1_000

/**
 * The part of Amazon CloudWatch that accepts metrics. It starts at a time in seconds since 1970.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
 */
export const startCloudWatch = defineJsonService({
  service: 'monitoring',
  target: 'GraniteServiceVersion20100801',
  version: '1.0',
  actions: 'cloudwatch',
  state: (now: number) => ({
    now,
    /** The stored data, with its namespace. */
    data: [] as (Datum & { namespace: string })[],
    denied: [] as string[],
  }),
  routes: {
    PutMetricData: ({ state, text, body: { Namespace, MetricData = [] } }) => {
      const data: Datum[] = MetricData
      if (data.length === 0)
        return awsError(
          'com.amazonaws.cloudwatch#MissingRequiredParameterException',
          'The parameter MetricData is required.',
        )
      if (data.length > MAX_DATA || text.length > MAX_BYTES)
        return awsError('com.amazon.coral.service#RequestEntityTooLargeException', 'Request is too large', 413)
      if (Namespace.startsWith('AWS/')) return invalid('The value AWS/ for parameter Namespace is invalid.')
      for (const [index, datum] of data.entries()) {
        const refusal = invalidDatum(datum, `MetricData.member.${index + 1}`, state.now)
        if (refusal) return refusal
      }
      state.data.push(...data.map((datum) => ({ namespace: Namespace, ...datum })))
      return {}
    },
  },
  members: ({ data }) => ({
    /** Returns the values by metric: `Score Project=shop,Stage=production,Service=checkout`. */
    values() {
      const values: Record<string, number[]> = {}
      for (const { MetricName, Dimensions, Value } of data) {
        const metric = `${MetricName} ${Dimensions.map(({ Name, Value }) => `${Name}=${Value}`).join(',')}`
        values[metric] = [...(values[metric] ?? []), Value]
      }
      return values
    },
  }),
})

function invalidDatum({ Value, Dimensions, Timestamp }: Datum, path: string, now: number): Reply | undefined {
  if (typeof Value !== 'number' || Math.abs(Value) > MAX_VALUE)
    return invalid(`The value ${Value} for parameter ${path}.Value is invalid.`)
  if (Dimensions.some(({ Value }) => !/^[\x20-\x7e]{1,1024}$/.test(Value) || Value.trim() === ''))
    return invalid(`The parameter ${path}.Dimensions must be ASCII`)
  const time = Timestamp ?? now
  if (time >= now - TWO_WEEKS && time <= now + TWO_HOURS) return undefined
  return invalid(`The parameter ${path}.Timestamp must specify a time no more than two weeks in the past.`)
}

function invalid(message: string): Reply {
  return awsError('com.amazonaws.cloudwatch#InvalidParameterValueException', message)
}

export const writeRow = {
  action: 'push-report',
  writes: /^PutMetricData$/,
  start: startWith(
    () => startCloudWatch(Date.parse('2026-11-24T10:10:00Z') / 1_000),
    ({ url: endpoint }) => ({ connection: { endpoint, region: 'eu-west-1' } }),
  ),
} satisfies WriteRow
