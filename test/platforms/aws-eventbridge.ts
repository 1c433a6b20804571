import { ok, type Reply, type Served } from '../../infra/sandbox/platforms/loopback-server.ts'
import { awsError, serveJson } from './aws-json.ts'

interface Entry {
  Source: string
  DetailType: string
  Detail: string
  EventBusName: string
}

interface EventBridgeState {
  buses: string[]
  /** Events that the rules of a bus matched. */
  events: { id: string; bus: string; source: string; type: string; detail: Record<string, unknown> }[]
  /** Results for the next entries. */
  failing: { ErrorCode: string; ErrorMessage?: string }[]
  /** Operations that the caller's role does not allow. */
  denied: string[]
}

export interface EventBridgeServer extends Served {
  state: EventBridgeState
}

const arn = 'arn:aws:events:eu-west-1:123456789012:event-bus'
const MAX_BYTES = 256 * 1_024

/**
 * Amazon EventBridge, as far as it takes events: one to a bus that is not there is taken, and gone.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * @see https://github.com/aws/aws-sdk/issues/186
 */
export async function startEventBridge(): Promise<EventBridgeServer> {
  const state: EventBridgeState = { buses: ['default', 'deploys'], events: [], failing: [], denied: [] }
  const served = await serveJson({
    service: 'events',
    target: 'AWSEvents',
    version: '1.1',
    state,
    operations: {
      DescribeEventBus: ({ Name }) => describe(state, String(Name)),
      PutEvents: ({ Entries }) => put(state, Entries as Entry[]),
    },
  })
  return { ...served, state }
}

function nameOf(bus: string): string {
  return bus.replace(`${arn}/`, '')
}

function describe({ buses }: EventBridgeState, bus: string): Reply {
  const name = nameOf(bus)
  if (!buses.includes(name)) return awsError('ResourceNotFoundException', `Event bus ${name} does not exist.`)
  return ok({ Name: name, Arn: `${arn}/${name}` })
}

function put(state: EventBridgeState, entries: Entry[]): Reply {
  const size = ({ Source, DetailType, Detail }: Entry) => Buffer.byteLength(Source + DetailType + Detail)
  const total = entries.reduce((sum, entry) => sum + size(entry), 0)
  if (total >= MAX_BYTES)
    return awsError('ValidationException', `Total size of the entries in the request is over the limit.`)
  const results = entries.map((entry) => {
    const failure = state.failing.shift()
    if (failure) return failure
    const id = `11710aed-b79e-4468-a20b-${String(state.events.length + 1).padStart(12, '0')}`
    const bus = nameOf(entry.EventBusName)
    if (state.buses.includes(bus))
      state.events.push({
        ...{ id, bus, source: entry.Source, type: entry.DetailType },
        detail: JSON.parse(entry.Detail) as Record<string, unknown>,
      })
    return { EventId: id }
  })
  return ok({ FailedEntryCount: results.filter((one) => 'ErrorCode' in one).length, Entries: results })
}
