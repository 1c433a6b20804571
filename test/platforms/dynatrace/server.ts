import { createDynatrace } from '../../../infra/sandbox/platforms/dynatrace/index.ts'
import type { EventReport } from '../../../infra/sandbox/platforms/dynatrace/routes.ts'
import type { Slo } from '../../../infra/sandbox/platforms/dynatrace/slos.ts'
import { json } from '../../../infra/sandbox/platforms/sandbox/http.ts'
import { openStore } from '../../../infra/sandbox/platforms/sandbox/store.ts'
import type { Served } from '../../../infra/testing/loopback-server.ts'
import { servePlatform } from '../serve-platform.ts'

export interface DynatraceServer extends Served {
  token: string
  state: {
    /** The scopes of the token. */
    scopes: string[]
    /** How many entities match any selector. */
    matches: number
    /** The status of each event report, in order. Defaults to OK. */
    statuses: string[]
    /** The number of lists that do not contain the events yet. */
    listsLate: number
  }
  /** Returns the ingested events, one for each entity, oldest first. */
  reports(): EventReport[]
  /** Adds an SLO with the name of the first one. */
  addSlo(): void
  /** Changes the response for the first SLO. */
  show(fields: Record<string, unknown>): void
}

const SLO: Slo = {
  id: '7d07efde-b714-3e6e-ad95-08490e2540c4',
  name: 'Checkout availability',
  description: '',
  target: 99.5,
  warning: 99.9,
  value: 99.95,
}

/** Starts an environment whose SLOs and ingest results the test sets. */
export async function startDynatrace(): Promise<DynatraceServer> {
  const token = 'dt0c01.ABCDEFGH.0123456789ABCDEF'
  const state: DynatraceServer['state'] = {
    scopes: ['slo.read', 'events.ingest', 'events.read'],
    matches: 1,
    statuses: [],
    listsLate: 0,
  }
  const store = openStore()
  const dynatrace = createDynatrace(store, {
    token,
    hasScope: (scope) => state.scopes.includes(scope),
    slos: [SLO],
    matches: () => state.matches,
    statusAt: (index) => state.statuses[index],
  })
  const slos = store.collection<Slo>('dynatrace.slos')
  const served = await servePlatform({
    ...dynatrace,
    answer(call) {
      const isLate = call.method === 'GET' && call.path === '/api/v2/events' && state.listsLate-- > 0
      return isLate ? json(200, { totalCount: 0, pageSize: 100, events: [] }) : dynatrace.answer(call)
    },
  })
  return {
    ...served,
    token,
    state,
    reports: dynatrace.reports,
    addSlo: () => void slos.put('another', { ...SLO, id: 'another' }),
    show(fields) {
      const { name = SLO.name } = fields
      slos.change(SLO.id, { name: String(name), shown: { ...slos.get(SLO.id)?.shown, ...fields } })
    },
  }
}
