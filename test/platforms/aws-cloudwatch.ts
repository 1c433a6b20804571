import { ok, type Reply, type Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { awsError, serveJson } from './aws-json.ts'

interface Datum {
  MetricName: string
  Dimensions: { Name: string; Value: string }[]
  Value: number
  Timestamp?: number
}

interface PutMetricData {
  Namespace: string
  MetricData?: Datum[]
}

interface CloudWatchState {
  /** The stored data, with its namespace. */
  data: (Datum & { namespace: string })[]
  /** Operations that the role of the caller does not allow. */
  denied: string[]
}

export interface CloudWatchServer extends Served {
  state: CloudWatchState
  /** `Score Project=shop,Stage=production,Service=checkout` -> values. */
  values(): Record<string, number[]>
}

const twoWeeks = 14 * 24 * 3_600
const twoHours = 2 * 3_600
const largest = 2 ** 360
const MAX_BYTES = 1_024 * 1_024
const MAX_DATA = 1_000

/**
 * Amazon CloudWatch, as far as it takes metrics.
 *
 * @param now seconds since 1970
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
 */
export async function startCloudWatch(now: number): Promise<CloudWatchServer> {
  const state: CloudWatchState = { data: [], denied: [] }
  const served = await serveJson({
    service: 'monitoring',
    target: 'GraniteServiceVersion20100801',
    version: '1.0',
    actions: 'cloudwatch',
    state,
    operations: {
      PutMetricData: ({ Namespace, MetricData = [] }) =>
        put(state, { Namespace: String(Namespace), MetricData: MetricData as Datum[] }, now),
    },
  })
  const values = () => {
    const found: Record<string, number[]> = {}
    for (const { MetricName, Dimensions, Value } of state.data) {
      const metric = `${MetricName} ${Dimensions.map(({ Name, Value }) => `${Name}=${Value}`).join(',')}`
      found[metric] = [...(found[metric] ?? []), Value]
    }
    return found
  }
  return { ...served, state, values }
}

function put(state: CloudWatchState, input: PutMetricData, now: number): Reply {
  const { Namespace, MetricData = [] } = input
  const wrong = (message: string) => awsError('com.amazonaws.cloudwatch#InvalidParameterValueException', message)
  if (MetricData.length === 0)
    return awsError(
      'com.amazonaws.cloudwatch#MissingRequiredParameterException',
      'The parameter MetricData is required.',
    )
  if (MetricData.length > MAX_DATA || JSON.stringify(input).length > MAX_BYTES)
    return awsError('com.amazon.coral.service#RequestEntityTooLargeException', 'Request is too large', 413)
  if (Namespace.startsWith('AWS/')) return wrong('The value AWS/ for parameter Namespace is invalid.')
  for (const [at, { Value, Dimensions, Timestamp = now }] of MetricData.entries()) {
    const path = `MetricData.member.${at + 1}`
    if (typeof Value !== 'number' || Math.abs(Value) > largest)
      return wrong(`The value ${Value} for parameter ${path}.Value is invalid.`)
    if (Dimensions.some(({ Value }) => !/^[\x20-\x7e]{1,1024}$/.test(Value) || Value.trim() === ''))
      return wrong(`The parameter ${path}.Dimensions must be ASCII`)
    if (Timestamp < now - twoWeeks || Timestamp > now + twoHours)
      return wrong(`The parameter ${path}.Timestamp must specify a time no more than two weeks in the past.`)
  }
  state.data.push(...MetricData.map((datum) => ({ namespace: Namespace, ...datum })))
  return ok({})
}
