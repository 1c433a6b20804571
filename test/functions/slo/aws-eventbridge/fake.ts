import { startWith, type WriteRow } from '../../../conformance/row.ts'
import { awsError, defineJsonService } from '../../../platforms/aws-json.ts'

interface Entry {
  Source: string
  DetailType: string
  Detail: string
  EventBusName: string
}

interface Event {
  id: string
  bus: string
  source: string
  type: string
  detail: Record<string, unknown>
}

const BUS_ARN = 'arn:aws:events:eu-west-1:123456789012:event-bus'
const MAX_BYTES = 256 * 1_024

/**
 * The part of Amazon EventBridge that accepts events. It also accepts events for a bus that does not exist, and drops them.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @see https://github.com/aws/aws-sdk/issues/186
 */
export const startEventBridge = defineJsonService({
  service: 'events',
  target: 'AWSEvents',
  version: '1.1',
  state: () => ({
    buses: ['default', 'deploys'],
    /** Events that the rules of a bus matched. */
    events: [] as Event[],
    /** Results for the next entries. */
    failing: [] as { ErrorCode: string; ErrorMessage?: string }[],
    denied: [] as string[],
  }),
  routes: {
    DescribeEventBus: ({ state, body }) => {
      const name = nameOf(body.Name)
      if (!state.buses.includes(name)) return awsError('ResourceNotFoundException', `Event bus ${name} does not exist.`)
      return { Name: name, Arn: `${BUS_ARN}/${name}` }
    },
    PutEvents: ({ state, body }) => {
      const entries: Entry[] = body.Entries
      const bytes = entries.map(({ Source, DetailType, Detail }) => Buffer.byteLength(Source + DetailType + Detail))
      if (bytes.reduce((sum, size) => sum + size, 0) >= MAX_BYTES)
        return awsError('ValidationException', 'Total size of the entries in the request is over the limit.')
      const results = entries.map((entry) => state.failing.shift() ?? put(state, entry))
      return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results }
    },
  },
})

function nameOf(bus: string): string {
  return bus.replace(`${BUS_ARN}/`, '')
}

function put({ buses, events }: { buses: string[]; events: Event[] }, entry: Entry): { EventId: string } {
  const id = `11710aed-b79e-4468-a20b-${String(events.length + 1).padStart(12, '0')}`
  const bus = nameOf(entry.EventBusName)
  if (buses.includes(bus))
    events.push({ id, bus, source: entry.Source, type: entry.DetailType, detail: JSON.parse(entry.Detail) })
  return { EventId: id }
}

export const writeRow = {
  action: 'push-report',
  writes: /^PutEvents$/,
  start: startWith(startEventBridge, ({ url: endpoint }) => ({ connection: { endpoint, region: 'eu-west-1' } })),
} satisfies WriteRow
