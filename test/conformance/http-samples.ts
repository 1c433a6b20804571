import { genericApiConnections } from '../../infra/sandbox/platforms/generic-api/connections.ts'
import type { Call, Served } from '../../infra/testing/loopback-server.ts'
import { startNtfy } from '../functions/notification/ntfy/fake.ts'
import { startGlpi } from '../platforms/glpi.ts'
import { startHarbor } from '../platforms/harbor.ts'
import { startHomeAssistant } from '../platforms/home-assistant.ts'
import { startKestra } from '../platforms/kestra.ts'
import { startN8n } from '../platforms/n8n.ts'
import { startZammad } from '../platforms/zammad.ts'
import { connectionText } from '../recipes/page.ts'
import {
  replayAlertmanager,
  replayBuildbot,
  replayIcinga,
  replayNci,
  replayRequestTracker,
  replayTool,
  replayTrac,
  replayVictoriaMetrics,
} from './http-replays.ts'

/** A connection of the `http` provider with a server, and calls that use each of its expressions. */
export interface Sample {
  /** The category and the page in docs/http/: `ci-cd/nci`. */
  name: string
  start(): Promise<{ server: Served; connection: Record<string, unknown> }>
  /** `$id` in an input is the id that the first call returned. */
  calls: [action: string, input: object][]
  /** The reason of the server for refusing the last call. */
  words?: RegExp
  /** Whether a request writes. Defaults to all but GET and a login. */
  isWrite?(call: Call): boolean
}

const p95 = [{ metric: 'p95', op: '<', value: 500 }]
const latency = [{ metric: 'latency', op: '<', value: 500 }]

const byName: Record<string, Omit<Sample, 'name'>> = {
  'issue-ticketing/tool': {
    start: ofTool('ticket'),
    calls: [
      ['open-issue', { title: 'Slow', description: 'p95 is 3 s', project: 'shop' }],
      ['update-issue', { id: '1', title: 'Slower', state: 'working', comment: 'Now 5 s' }],
      ['close-issue', { id: '1', resolution: 'fixed' }],
      ['close-issue', { id: '99' }],
    ],
    words: /unknown ticket 99/,
  },
  'ci-cd/tool': {
    start: ofTool('job'),
    calls: [
      ['trigger-build', { target: 'nightly', parameters: { size: 3 }, thresholds: p95 }],
      ['trigger-build', { target: 'nightly' }],
      ['cancel-run', { id: '2' }],
      ['cancel-run', { id: '99' }],
    ],
    words: /there is no run 99/,
  },
  'feature-flags/tool': {
    start: ofTool('flag'),
    calls: [
      ['set-flag', { flag: 'promo', state: 'on', percentage: 25 }],
      ['set-flag', { flag: 'promo', state: 'off' }],
    ],
  },
  'notification/tool': { start: ofTool('message'), calls: [['push-update', { text: 'Hello' }]] },
  'slo/tool': {
    start: ofTool('evaluation'),
    calls: [
      ['request-evaluation', { timeframe: '5m', thresholds: p95 }],
      ['request-evaluation', { timeframe: '5m', queries: { p95: 'none' }, thresholds: p95 }],
    ],
  },
  'issue-ticketing/trac': {
    start: ofPage('trac', replayTrac),
    calls: [
      ['open-issue', { title: 'Slow', description: 'p95 is 3 s', project: 'shop', priority: 'major' }],
      ['update-issue', { id: '1', title: 'Slower', comment: 'Now 5 s' }],
      ['close-issue', { id: '1', resolution: 'wontfix' }],
      ['close-issue', { id: '99' }],
    ],
    words: /Ticket 99 does not exist/,
    isWrite: ({ body }) => /create|update/.test(String((body as { method?: string })?.method)),
  },
  'issue-ticketing/request-tracker': {
    start: ofPage('request-tracker', replayRequestTracker),
    calls: [
      ['open-issue', { title: 'Slow', description: 'p95 is 3 s' }],
      ['update-issue', { id: '1', title: 'Slower', state: 'open', comment: 'Now 5 s' }],
      ['close-issue', { id: '1' }],
      ['update-issue', { id: '1', state: 'bogus' }],
    ],
    words: /Status 'bogus' isn't a valid status/,
  },
  'ci-cd/buildbot': {
    start: ofPage('buildbot', replayBuildbot),
    calls: [
      ['trigger-build', { target: 'quick' }],
      ['trigger-build', { target: 'slow' }],
      ['cancel-run', { id: '12' }],
      ['trigger-build', { target: 'quick', parameters: { count: 'many' } }],
    ],
    words: /invalid literal for int/,
  },
  'ci-cd/nci': {
    start: ofPage('nci', replayNci),
    calls: [
      ['trigger-build', { target: 'quick' }],
      ['trigger-build', { target: 'slow' }],
      ['cancel-run', { id: '2' }],
    ],
  },
  'incident-management/alertmanager': {
    start: ofPage('alertmanager', replayAlertmanager),
    calls: [
      ['open-ticket', { title: 'Slow', description: 'p95 is 3 s' }],
      ['close-ticket', { id: '$id' }],
    ],
  },
  'incident-management/icinga': {
    start: ofPage('icinga', replayIcinga),
    calls: [
      ['open-ticket', { title: 'Slow', project: 'pay!slo' }],
      ['update-ticket', { id: 'pay!slo', state: 'acknowledged', comment: 'On it' }],
      ['update-ticket', { id: 'pay!slo', title: 'Slower' }],
      ['close-ticket', { id: 'pay!slo', resolution: 'Fixed' }],
      ['update-ticket', { id: 'pay!slo', state: 'acknowledged' }],
      ['open-ticket', { title: 'x', project: 'pay!nope' }],
    ],
    words: /No objects found|Service pay!slo is OK/,
  },
  'slo/victoria-metrics': {
    start: ofPage('victoria-metrics', replayVictoriaMetrics),
    calls: [
      ['request-evaluation', { timeframe: '5m', thresholds: latency }],
      ['request-evaluation', { timeframe: '5m', queries: { latency: 'none' }, thresholds: latency }],
      ['request-evaluation', { timeframe: '5m', queries: { latency: 'sum(' }, thresholds: latency }],
    ],
    words: /cannot parse/,
  },
  'notification/ntfy': {
    start: ofPage('ntfy', startNtfy, ({ token }) => ({ token })),
    calls: [['push-update', { text: 'Hello' }]],
  },
  'issue-ticketing/zammad': {
    start: ofPage('zammad', startZammad, ({ token }) => ({ headers: { Authorization: `Token token=${token}` } })),
    calls: [
      ['open-issue', { title: 'Slow', description: 'p95 is 3 s', priority: '3 high' }],
      ['update-issue', { id: '1', title: 'Slower', state: 'open', comment: 'Now 5 s' }],
      ['close-issue', { id: '1' }],
      ['close-issue', { id: '99' }],
    ],
    words: /Couldn't find Ticket with 'id'=99/,
  },
  'issue-ticketing/glpi': {
    start: ofPage('glpi', startGlpi, ({ appToken, userToken }) => ({
      headers: { 'App-Token': appToken, Authorization: `user_token ${userToken}` },
    })),
    calls: [
      ['open-issue', { title: 'Slow', description: 'p95 is 3 s', priority: 'high' }],
      ['update-issue', { id: '1', title: 'Slower', state: 'pending', comment: 'Now 5 s' }],
      ['close-issue', { id: '1', resolution: 'Fixed' }],
      ['update-issue', { id: '99', title: 'x' }],
    ],
    words: /Item not found/,
  },
  'ci-cd/harbor': {
    start: ofPage('harbor', startHarbor, ({ user: username, password }) => ({ username, password })),
    calls: [
      ['trigger-build', { target: 'shop/checkout:1.4', thresholds: [{ metric: 'Critical', op: '<', value: 1 }] }],
      ['trigger-build', { target: 'shop/huge:1.0' }],
      ['cancel-run', { id: 'shop/huge:1.0' }],
      ['trigger-build', { target: 'shop/checkout:0.1' }],
    ],
    words: /artifact shop\/checkout:0\.1 not found/,
  },
  'notification/home-assistant': {
    start: ofPage('home-assistant', startHomeAssistant, ({ token }) => ({ token })),
    calls: [['push-update', { text: 'Hello' }]],
  },
  'remediation/n8n': {
    start: ofPage('n8n', startN8n, ({ apiKey, webhookToken }) => ({
      headers: { 'X-N8N-API-KEY': apiKey, 'X-Webhook-Token': webhookToken },
    })),
    calls: [
      ['run-runbook', { target: 'broken', parameters: { service: 'checkout' } }],
      ['run-runbook', { target: 'drain' }],
      ['stop-runbook', { id: '2' }],
      ['run-runbook', { target: 'draft' }],
    ],
    words: /The requested webhook "POST draft" is not registered/,
  },
  'ci-cd/kestra': {
    start: ofPage('kestra', startKestra, ({ user: username, password }) => ({ username, password })),
    calls: [
      ['trigger-deployment', { target: 'scale', parameters: { count: 3 } }],
      ['trigger-deployment', { target: 'drain' }],
      ['cancel-run', { id: '3uBs1' }],
      ['trigger-deployment', { target: 'nope' }],
    ],
    words: /Requested Flow is not found/,
  },
}

export const samples: Sample[] = Object.entries(byName).map(([name, sample]) => ({ name, ...sample }))

function ofTool(kind: keyof typeof genericApiConnections): Sample['start'] {
  return async () => {
    const server = await replayTool()
    const access = { provider: 'http', baseUrl: server.url, token: 'a-token-of-the-tool' }
    return { server, connection: { ...access, ...genericApiConnections[kind], ...noDelay(kind === 'evaluation') } }
  }
}

/** @param access the credentials of the server */
function ofPage<S extends Served>(
  page: string,
  start: () => Promise<S>,
  access: (server: S) => object = () => ({}),
): Sample['start'] {
  const block = connectionText(page)
  const { ca: _, ...connection } = JSON.parse(
    block.replace('<service>', 'mobile_app_phone').replace('<customer>', 'monitoring@example.com'),
  )
  return async () => {
    const server = await start()
    const { pathname } = new URL(connection.baseUrl)
    const baseUrl = `${server.url}${pathname === '/' ? '' : pathname}`
    return { server, connection: { ...connection, ...access(server), baseUrl, ...noDelay('dataDelay' in connection) } }
  }
}

function noDelay(isDelayed: boolean): object {
  return isDelayed ? { dataDelay: 0 } : {}
}
