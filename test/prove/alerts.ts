import { sandboxSources } from '../../infra/sandbox/platforms/sandbox/notifications/sources.ts'
import { randomOf } from './random.ts'

/** One time that an alert fires, in milliseconds after the start of the run. */
export interface Firing {
  start: number
  /** Undefined if it fires until after the run. */
  end?: number
  /** When Prometheus restarts, and reports this as the start. */
  restart?: number
}

/** An alert of a run. */
export interface Alert {
  /** Its fingerprint, a UUID. */
  id: string
  /** A runbook is started, too. */
  isCritical: boolean
  firings: Firing[]
}

/** The alerts that Alertmanager reports together. */
export interface AlertGroup {
  name: string
  alerts: Alert[]
}

/** So often a group of this size is planned. */
const EVERY_MS = 10_000
const ALERTS_OF_GROUP = 3

/**
 * Returns the alerts of a run. They depend only on the seed and the duration.
 *
 * @param ms how long alerts start
 * @param hasRunbooks whether some of them start a runbook
 */
export function alertsOf(seed: number, ms: number, hasRunbooks: boolean): AlertGroup[] {
  const count = Math.max(1, Math.round(ms / EVERY_MS))
  return Array.from({ length: count }, (_, n) => {
    const random = randomOf(seed, `alerts ${n}`)
    const from = (n / count) * ms
    const alerts = Array.from({ length: ALERTS_OF_GROUP }, (): Alert => {
      const [id, isCritical] = [random.uuid(), hasRunbooks && random.chance(0.2)]
      const firings: Firing[] = []
      let start = from + random.integer(0, EVERY_MS)
      do {
        const firing: Firing = { start }
        if (random.chance(0.85)) firing.end = start + random.integer(2_000, 40_000)
        if (random.chance(0.15)) firing.restart = start + random.integer(1_000, 15_000)
        firings.push(firing)
        if (firing.end === undefined) break
        start = firing.end + random.integer(3_000, 20_000)
      } while (random.chance(0.3))
      return { id, isCritical, firings }
    })
    return { name: `group-${n}`, alerts }
  })
}

/** The rules of the run, and the sources of the platforms that notify the runtime of their runs, as `events.yaml`. JSON is YAML. */
export function alertRules(): string {
  const rule = (name: string, call: string, more: object) => ({ name, source: 'alerts', call, ...more })
  return JSON.stringify({
    sources: { ...sandboxSources(() => true).sources, alerts: { type: 'alertmanager' } },
    rules: [
      rule('open', 'issue-ticketing/open-issue', {
        input: "{title: join(' ', [labels.alertname, 'since', startsAt]), project: labels.project}",
      }),
      rule('repair', 'remediation/run-runbook', {
        on: "status == 'firing' && labels.severity == 'critical'",
        input: "{target: 'clear-cache', parameters: {event: labels.alertname, seconds: '1'}}",
      }),
      rule('close', 'issue-ticketing/close-issue', { input: "{comment: 'The alert has ended.'}", closes: 'open' }),
    ],
  })
}
