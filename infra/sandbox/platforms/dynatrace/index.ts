import { randomBytes } from 'node:crypto'
import { demo } from '../sandbox/demo.ts'
import type { FakeCall, FakeReply, Platform } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import type { Automation } from './automation.ts'
import type { Event } from './dql.ts'
import { createEnvironment } from './environment.ts'
import { entitiesIn } from './input.ts'
import type { SloSummary } from './page.ts'
import { sloPage, wrongPage } from './page.ts'
import { statusOf } from './responses.ts'
import { type DynatraceState, dynatraceRoutes, type EventReport } from './routes.ts'
import { INITIAL_SLOS, type Slo } from './slos.ts'

export interface Dynatrace extends Platform {
  slos(root: string): SloSummary[]
  /** Returns the ingested events, one for each entity, oldest first. */
  reports(): EventReport[]
  automation: Automation
  /** Returns the events of the software development lifecycle, oldest first. */
  sdlcEvents(): Event[]
}

const DEFAULT_DURATION_MS = 15 * 60_000

interface DynatraceOptions extends Pick<DynatraceState, 'token' | 'hasScope'> {
  /** The objectives of an empty store. */
  slos: readonly Slo[]
  /** Returns how many services match any selector. */
  matches?(): number
  /** Returns whether an event is accepted for the n-th entity, and else why not. */
  statusAt?(index: number): string | undefined
}

/** An objective for each service of the demo. */
const SANDBOX: DynatraceOptions = { token: demo.dynatraceToken, hasScope: () => true, slos: INITIAL_SLOS }

/** Fakes a Dynatrace environment. A page sets the value of its objectives, which is the same for every timeframe. */
export function createDynatrace(store: Store, options = SANDBOX): Dynatrace {
  const { token, hasScope, matches, statusAt } = options
  const initial = Object.fromEntries(options.slos.map((slo) => [slo.id, slo]))
  const slos = store.collection<Slo>('dynatrace.slos', { initial })
  const names = () => slos.list().map(({ name }) => name)
  const reports = store.collection<EventReport>('dynatrace.reports')

  /** Changes an SLO. The form contains `slo` and at least one of `value`, `target` and `warning`. */
  function set({ body }: FakeCall): FakeReply {
    const form = new URLSearchParams(body)
    const named = form.get('slo') ?? ''
    const slo = slos.list().find(({ id, name }) => named === id || named === name)
    if (!slo) return wrongPage(404, `There is no SLO "${named}": there are ${names().join(', ')}.`)
    const given = (name: 'value' | 'target' | 'warning') => {
      const text = form.get(name)?.trim()
      return text === undefined ? slo[name] : text === '' ? null : Number(text)
    }
    const [value, target, warning] = [given('value'), given('target'), given('warning')]
    if (target === null || warning === null || ![value ?? 0, target, warning].every(isPercentage)) {
      return wrongPage(400, 'value, target and warning are percentages: 99.5. An empty value stands for no data.')
    }
    if (warning < target) return wrongPage(400, 'The warning must not be below the target.')
    slos.put(slo.id, { ...slo, value, target, warning })
    return { status: 303, headers: { location: '/sandbox/dynatrace' } }
  }

  const environment = createEnvironment(store)
  const classic = dynatraceRoutes({
    token,
    hasScope,
    slos: () => slos.list(),
    entities: (selector) =>
      matches ? Array.from({ length: matches() }, (_, index) => `service-${index}`) : entitiesIn(selector, names()),
    events: () => reports.list(),
    ingest: ({ eventType, title, startTime = Date.now(), endTime, properties = {} }, entities) =>
      entities.map((entity, index) => {
        const correlationId = randomBytes(8).toString('hex')
        const status = statusAt?.(index) ?? 'OK'
        if (status !== 'OK') return { correlationId, status }
        reports.put(correlationId, {
          at: new Date().toISOString(),
          correlationId,
          eventType,
          title,
          entity,
          startTime,
          endTime: endTime ?? startTime + DEFAULT_DURATION_MS,
          properties,
        })
        return { correlationId, status }
      }),
  })
  const dynatrace: Dynatrace = {
    ...classic,
    answer: (call) => (call.path.startsWith('/platform/') ? environment.answer(call) : classic.answer(call)),
    page: ({ path, root }) =>
      path === '/' || path === '/ui/slo' ? sloPage(dynatrace.slos(root), reports.list(), root) : undefined,
    actions: { '/set': async (call) => set(call) },
    slos: (root) => slos.list().map((slo) => ({ ...slo, status: statusOf(slo), url: `${root}/ui/slo?id=${slo.id}` })),
    reports: () => reports.list(),
    automation: environment.automation,
    sdlcEvents: environment.grail.events,
  }
  return dynatrace
}

function isPercentage(value: number): boolean {
  return value >= 0 && value <= 100
}
