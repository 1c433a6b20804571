import { describe, expect, it } from '@jest/globals'
import { type Transition, transitionOf } from '../../../shared/dispatch/alert-times.ts'
import { readAlerts } from '../../../shared/sources/alerts.ts'
import { loadSourceType } from '../../../shared/sources/load-source-type.ts'
import { readEvent } from '../../../shared/sources/read-notification.ts'
import { TYPES_WITH_ALERTS } from '../../../shared/sources/rules.ts'
import type { AlertTimes } from '../../../shared/state/alerts.ts'
import { load, type Recorded } from '../sources/recorded.ts'

/** A time, in minutes after the first start. */
type Minute = number
const BASE = Date.parse('2026-11-30T10:00:00Z')
const timeAt = (minute: Minute) => new Date(BASE + minute * 60_000).toISOString()

/** A change that a sender reports, in the order of its clock. */
interface Change {
  state: 'firing' | 'resolved'
  at: Minute
  /** The start that the sender reports with an end: another one after a restart. */
  startedAt?: Minute
  /** The number of the alert, for senders that use no key twice. */
  number?: number
}

/** How a sender reports a change: the recorded notifications, and where the times and the number are. */
interface Sender {
  firing: string
  resolved: string
  /** Changes a recorded body. */
  fill?(body: Recorded['body'], change: Change): void
}

const inList = (body: Recorded['body'], { state, at, startedAt = at }: Change) => {
  const alerts = [Object(body)['alerts'][0]]
  Object.assign(body, { alerts })
  Object.assign(alerts[0], { startsAt: timeAt(startedAt), endsAt: state === 'resolved' ? timeAt(at) : undefined })
}
/** Sets a field at a path. */
const set =
  (path: string, toValue: (change: Change) => unknown = ({ at }) => timeAt(at)) =>
  (body: Recorded['body'], change: Change) => {
    const names = path.split('.')
    const place = names.slice(0, -1).reduce((part, name) => Object(part[name]), body)
    place[names.at(-1) ?? ''] = toValue(change)
  }
const number = ({ number = 1 }: Change) => number

const senders: Record<string, Sender> = {
  alertmanager: { firing: 'alertmanager/firing', resolved: 'alertmanager/resolved', fill: inList },
  'aws-sns': {
    firing: 'aws-sns/alarm',
    resolved: 'aws-sns/alarm-ok',
    fill: (body, { at }) => {
      body['Message'] = JSON.stringify({ ...JSON.parse(String(body['Message'])), StateChangeTime: timeAt(at) })
    },
  },
  datadog: { firing: 'datadog/triggered', resolved: 'datadog/recovered', fill: set('cycle', number) },
  dynatrace: { firing: 'dynatrace/open', resolved: 'dynatrace/resolved', fill: set('pid', number) },
  eventbridge: {
    firing: 'eventbridge/cloudwatch-alarm-state-change.alarm',
    resolved: 'eventbridge/cloudwatch-alarm-state-change.ok',
    fill: set('detail.state.timestamp'),
  },
  github: {
    firing: 'github/issues.opened',
    resolved: 'github/issues.opened',
    fill(body, change) {
      set('issue.updated_at')(body, change)
      set('action', ({ state }) => (state === 'firing' ? 'reopened' : 'closed'))(body, change)
    },
  },
  gitlab: {
    firing: 'gitlab/issue',
    resolved: 'gitlab/issue',
    fill(body, change) {
      set('object_attributes.updated_at')(body, change)
      set('object_attributes.action', ({ state }) => (state === 'firing' ? 'reopen' : 'close'))(body, change)
    },
  },
  grafana: { firing: 'grafana/firing', resolved: 'grafana/resolved', fill: inList },
  'incident-io': {
    firing: 'incident-io/public_incident.incident_created_v2',
    resolved: 'incident-io/public_incident.incident_status_updated_v2',
    fill(body, { state, at }) {
      const data = Object(body)[String(body['event_type'])]
      Object.assign(state === 'firing' ? data : data.incident, { updated_at: timeAt(at) })
    },
  },
  'new-relic': { firing: 'new-relic/activated', resolved: 'new-relic/closed', fill: set('id', number) },
  pagerduty: {
    firing: 'pagerduty/incident.triggered',
    resolved: 'pagerduty/incident.resolved',
    fill: set('event.occurred_at'),
  },
  sentry: {
    firing: 'sentry/issue.created',
    resolved: 'sentry/issue.resolved',
    fill: set('data.issue.lastSeen'),
  },
  'uptime-kuma': { firing: 'uptime-kuma/down', resolved: 'uptime-kuma/up', fill: set('heartbeat.time') },
  zabbix: { firing: 'zabbix/problem', resolved: 'zabbix/recovery', fill: set('event', number) },
}

/** Reads a change as the type of the sender does. */
async function read(sender: Sender, change: Change) {
  const { type, headers, body } = structuredClone(load(sender[change.state]))
  sender.fill?.(body, change)
  const { alerts, unusable } = await readAlerts(await loadSourceType(type), await readEvent({ type }, headers, body))
  expect(unusable).toEqual([])
  const alert = alerts.find(({ state }) => state !== undefined)
  if (!alert) throw new Error(`${type} reports no alert.`)
  expect(alert.state).toBe(change.state)
  return { state: change.state, key: alert.key, at: alert.at ?? 0 }
}

/** The tickets of a source, which rules open and close. */
class Tickets {
  readonly #times = new Map<string, AlertTimes>()
  /** By key and occurrence. */
  readonly #tickets = new Map<string, 'open' | 'closed'>()

  /** Handles a notification, as the queue may deliver it: more than once. */
  handle({ state, key, at }: Awaited<ReturnType<typeof read>>): void {
    const transition: Transition = transitionOf(this.#times.get(key) ?? {}, { state, at })
    this.#times.set(key, transition.times)
    const { occurrence, reopened } = transition
    const change = (start: number | undefined, next: 'open' | 'closed') => {
      const ticket = `${key} ${start}`
      if (start !== undefined && this.#tickets.get(ticket) !== 'closed') this.#tickets.set(ticket, next)
    }
    change(occurrence, state === 'firing' ? 'open' : 'closed')
    change(reopened, 'open')
  }

  get open(): number {
    return [...this.#tickets.values()].filter((ticket) => ticket === 'open').length
  }

  get opened(): number {
    return this.#tickets.size
  }
}

function* ordersOf<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield []
  for (const [index, item] of items.entries())
    for (const others of ordersOf(items.toSpliced(index, 1))) yield [item, ...others]
}

/** Handles changes in an order, each of them twice. */
async function play(sender: Sender, order: readonly Change[]): Promise<Tickets> {
  const tickets = new Tickets()
  for (const change of order) {
    const notification = await read(sender, change)
    tickets.handle(notification)
    tickets.handle(notification)
  }
  return tickets
}

const start = (at: Minute, number = 1): Change => ({ state: 'firing', at, number })
const end = (at: Minute, number = 1, startedAt?: Minute): Change => ({
  state: 'resolved',
  at,
  number,
  ...(startedAt === undefined ? {} : { startedAt }),
})

it('The senders of these tests are all that have alerts', () => {
  expect(Object.keys(senders)).toEqual(TYPES_WITH_ALERTS)
})

describe.each(Object.entries(senders))('The alerts of %s', (_name, sender) => {
  it.each([
    ['that fires, ends and fires again', [start(0), end(1), start(2, 2)], 1],
    ['that ends twice', [start(0), end(1), end(3)], 0],
    ['that fires once more before it ends', [start(0), start(1), end(2)], 0],
    ['that fires once more, and ends with its first start', [start(0), start(1), end(2, 1, 0)], 0],
    ['that fires, ends, fires again and ends', [start(0), end(1), start(2, 2), end(3, 2)], 0],
  ])('leave the right ticket open in every order of the notifications of one %s', async (_what, changes, open) => {
    for (const order of ordersOf(changes)) {
      const tickets = await play(sender, order)
      expect({ order, open: tickets.open }).toEqual({ order, open })
    }
  })

  it('open one ticket, and close it, if the sender restarts and reports another start', async () => {
    const changes = [start(0), { ...start(3), startedAt: 3 }, end(5, 1, 3)]
    for (const chosen of [changes, changes.toSpliced(1, 1)]) {
      const tickets = await play(sender, chosen)
      expect([tickets.opened, tickets.open]).toEqual([1, 0])
    }
  })

  it('open another ticket next week', async () => {
    const week = 7 * 24 * 60
    const tickets = await play(sender, [start(0), end(1), start(week, 2)])
    expect([tickets.opened, tickets.open]).toEqual([2, 1])
  })
})

it('An end that a silence has hidden leaves the ticket open until the alert ends again', async () => {
  const { alertmanager: sender } = senders
  if (!sender) throw new Error('There is no sender.')
  expect((await play(sender, [start(0)])).open).toBe(1)
  // The same alert fires again and ends, which is reported.
  const tickets = await play(sender, [start(0), start(60), end(70)])
  expect([tickets.opened, tickets.open]).toEqual([1, 0])
})
