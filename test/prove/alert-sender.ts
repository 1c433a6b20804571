import { setTimeout as sleep } from 'node:timers/promises'
import type { Alert, AlertGroup, Firing } from './alerts.ts'
import type { RuntimeProcess } from './child.ts'
import { places } from './kinds.ts'
import { type Random, randomOf } from './random.ts'

/** One time that an alert fired, as its sender reported it. Times are true times in epoch milliseconds. */
export interface FiringRecord {
  /** The starts that it reported. */
  starts: string[]
  /** When the start was accepted first. */
  firedAt?: number
  /** When the end was sent first, and accepted first. */
  endSentAt?: number
  endedAt?: number
}

/** An alert, and what was reported of it, oldest first. */
export interface AlertRecord {
  id: string
  isCritical: boolean
  firings: FiringRecord[]
}

/** `group_interval` and `repeat_interval` of Alertmanager, shorter. */
const GROUP_INTERVAL_MS = 3_000
const REPEAT_INTERVAL_MS = 9_000
/** Alertmanager repeats a request until it succeeds. */
const RETRY_MS = 500
const TIMEOUT_MS = 10_000
/** The share of the requests that arrive once more, out of order. */
const LATE_COPIES = 0.15
const MAX_DELAY_MS = 8_000
const NEVER = '0001-01-01T00:00:00Z'

/**
 * Reports alerts as Alertmanager does: all alerts of a group together, when one of them changes and again and again, with the ends until a
 * request has succeeded.
 *
 * @see https://github.com/prometheus/alertmanager/blob/main/notify/notify.go
 */
export class AlertSender {
  readonly #runtime: RuntimeProcess
  readonly #token: string
  readonly #seed: number
  readonly #ended = new AbortController()
  /** Alerts no longer start. */
  #isFinishing = false
  readonly records: AlertRecord[] = []
  /** Number of requests that were accepted. */
  accepted = 0

  constructor(runtime: RuntimeProcess, token: string, seed: number) {
    this.#runtime = runtime
    this.#token = token
    this.#seed = seed
  }

  /** Reports the alerts of all groups until `finish` is called. */
  async run(groups: readonly AlertGroup[]): Promise<void> {
    const startedAt = Date.now()
    await Promise.all(groups.map((group, n) => this.#report(group, startedAt, randomOf(this.#seed, `reports ${n}`))))
  }

  /** Lets each group report what has changed until now, and end. */
  finish(): void {
    this.#isFinishing = true
  }

  /** Ends without the pending requests. */
  end(): void {
    this.#ended.abort()
  }

  async #report({ name, alerts }: AlertGroup, startedAt: number, random: Random): Promise<void> {
    const members = alerts.map((alert) => new Member(alert, startedAt))
    this.records.push(...members.map(({ record }) => record))
    const copies: Promise<void>[] = []
    let [reported, reportedAt] = ['', 0]
    for (let isLast = false; !isLast && !this.#ended.signal.aborted; ) {
      isLast = this.#isFinishing
      const now = Date.now()
      const shown = members.flatMap((member) => member.notificationAt(now) ?? [])
      const state = JSON.stringify(shown.map(({ alert }) => [alert.fingerprint, alert.status, alert.startsAt]))
      if (shown.length > 0 && (state !== reported || now - reportedAt >= REPEAT_INTERVAL_MS)) {
        const body = bodyOf(name, shown)
        if (random.chance(LATE_COPIES)) copies.push(this.#sendLate(body, shown, random.integer(0, MAX_DELAY_MS)))
        await this.#send(body, shown)
        for (const { member, firing } of shown) if (firing.endedAt !== undefined) member.forget(firing)
        ;[reported, reportedAt] = [state, now]
      }
      for (const end = Date.now() + GROUP_INTERVAL_MS; Date.now() < end && !this.#isFinishing; ) await sleep(50)
    }
    await Promise.all(copies)
  }

  async #sendLate(body: string, shown: readonly Shown[], ms: number): Promise<void> {
    await sleep(ms)
    await this.#send(body, shown)
  }

  /** Sends a request until it is accepted. */
  async #send(body: string, shown: readonly Shown[]): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await this.#runtime.up()
      for (const { alert, firing } of shown) if (alert.status === 'resolved') firing.endSentAt ??= Date.now()
      const status = await this.#post(body)
      if (status === 200) break
      if (status !== undefined && status < 500 && status !== 429) throw new Error(`Alerts were refused with ${status}.`)
      await sleep(RETRY_MS)
    }
    if (this.#ended.signal.aborted) return
    this.accepted += 1
    for (const { alert, firing } of shown) {
      if (alert.status === 'resolved') firing.endedAt ??= Date.now()
      else firing.firedAt ??= Date.now()
    }
  }

  async #post(body: string): Promise<number | undefined> {
    try {
      const { status } = await fetch(`${this.#runtime.url}/v1/events/alerts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      return status
    } catch {
      // The runtime is down.
      return undefined
    }
  }
}

/** An alert as it is in a notification. */
interface Shown {
  member: Member
  alert: { status: 'firing' | 'resolved'; fingerprint: string; startsAt: string }
  firing: FiringRecord
}

/** An alert of a group, as Alertmanager knows it. */
class Member {
  readonly #alert: Alert
  readonly #startedAt: number
  readonly #firings: { planned: Firing; record: FiringRecord }[] = []
  readonly #forgotten = new Set<FiringRecord>()
  readonly record: AlertRecord

  constructor(alert: Alert, startedAt: number) {
    this.#alert = alert
    this.#startedAt = startedAt
    this.record = { id: alert.id, isCritical: alert.isCritical, firings: [] }
  }

  /** Returns what a notification says of it. Undefined if nothing: it has not fired yet, or its end was reported. */
  notificationAt(now: number): Shown | undefined {
    const planned = this.#alert.firings.findLast(({ start }) => this.#startedAt + start <= now)
    if (!planned) return undefined
    const firing = this.#recordOf(planned)
    if (this.#forgotten.has(firing)) return undefined
    const { start, end = Number.POSITIVE_INFINITY, restart = Number.POSITIVE_INFINITY } = planned
    const isOver = this.#startedAt + end <= now
    const since = this.#startedAt + restart <= now && restart < end ? restart : start
    const startsAt = this.#time(since)
    if (!firing.starts.includes(startsAt)) firing.starts.push(startsAt)
    const { id, isCritical } = this.#alert
    const labels = {
      alertname: `Prove ${id}`,
      project: `demo/alerts-${1 + (Number.parseInt(id.slice(0, 4), 16) % places)}`,
      severity: isCritical ? 'critical' : 'warning',
    }
    const alert = {
      status: isOver ? ('resolved' as const) : ('firing' as const),
      labels,
      annotations: {},
      startsAt,
      endsAt: isOver ? this.#time(end) : NEVER,
      fingerprint: id,
    }
    return { member: this, alert, firing }
  }

  /** The end of this was reported. */
  forget(firing: FiringRecord): void {
    this.#forgotten.add(firing)
  }

  #recordOf(planned: Firing): FiringRecord {
    const last = this.#firings.at(-1)
    if (last?.planned === planned) return last.record
    // It ended and started between two reports: its end was never reported.
    const isSame = last !== undefined && last.record.endSentAt === undefined
    const record = isSame ? last.record : { starts: [] }
    this.#firings.push({ planned, record })
    if (!isSame) this.record.firings.push(record)
    return record
  }

  #time(after: number): string {
    return new Date(this.#startedAt + after).toISOString()
  }
}

function bodyOf(group: string, shown: readonly Shown[]): string {
  const status = shown.some(({ alert }) => alert.status === 'firing') ? 'firing' : 'resolved'
  const more = {
    receiver: 'webhooks',
    truncatedAlerts: 0,
    groupLabels: { group },
    commonLabels: {},
    commonAnnotations: {},
  }
  return JSON.stringify({
    version: '4',
    groupKey: `{}:{group="${group}"}`,
    status,
    ...more,
    alerts: shown.map(({ alert }) => alert),
  })
}
