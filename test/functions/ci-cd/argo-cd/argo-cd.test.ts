import { describe, expect, test } from '@jest/globals'
import { argoCd } from '../../../../functions/ci-cd/argo-cd/argo-cd.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { expectFailure, failureOf, keyOf } from '../../helpers.ts'
import { pipelineActions } from '../pipeline.ts'
import { jobRow } from './fake.ts'
import type { ArgoCdServer } from './server.ts'

const guestbook = { target: 'guestbook', project: 'shop' }
const marker = keyOf(1).slice(0, 12)
const id = `guestbook#${marker}`

const start = (input: object = guestbook, options: object = {}) => connected().start(input, options)
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const asked = () => server.application().operation
const spec =
  (more: object) =>
  ({ application }: ArgoCdServer) =>
    Object.assign(application().spec, more)
const finish = (phase = 'Succeeded', message = 'successfully synced (all tasks run)') => {
  server.startOperation()
  server.finish(phase, message)
}
/** Starts a sync that ends in the cluster. */
const finished = async (phase?: string, message?: string, input: object = guestbook) => {
  const started = await start(input)
  finish(phase, message)
  return started
}

const parameters = {
  prune: 'true',
  dryRun: false,
  force: true,
  strategy: 'apply',
  resources: ':Service:guestbook-ui, apps:Deployment:shop/guestbook-ui',
  syncOptions: ['Replace=true'],
}
const late = 'Deployment "guestbook-ui" exceeded its progress deadline'
const results = [
  { name: 'fine' },
  { kind: 'Ingress', name: 'web', status: 'SyncFailed', message: 'admission webhook denied the request' },
  { kind: 'Job', name: 'migrate', status: '', hookPhase: 'Failed', message: 'Job has reached the backoff limit' },
]
const replacements = [
  [{ username: 'mia' }, 'mia'],
  [{ automated: true }, 'auto-sync'],
] as const
const synced = (health: string) => (fake: ArgoCdServer) => {
  fake.finish('Succeeded', 'successfully synced (all tasks run)')
  fake.reconcile(health)
}
interface Report {
  name: string
  change(fake: ArgoCdServer): unknown
  reported: object
}

const { server, connected } = jobConformance(argoCd, pipelineActions, jobRow, {
  states: {
    running: [
      'Succeeded/Progressing/Synced',
      'Succeeded/Progressing/OutOfSync',
      'Succeeded/Suspended/Synced',
      'Succeeded/Suspended/OutOfSync',
    ],
    pass: ['Succeeded/Healthy/Synced'],
    warning: ['Succeeded/Healthy/OutOfSync'],
    fail: [
      'Failed',
      ...['Degraded', 'Missing'].flatMap((health) =>
        ['Synced', 'OutOfSync'].map((sync) => `Succeeded/${health}/${sync}`),
      ),
    ],
    errored: ['Error'],
  },
  otherStates: ['Pending', 'Running', 'Terminating', 'Replaced', 'Succeeded', 'Succeeded/dry run'],
  unknownStates: ['Succeeded/Blooming/Synced'],
  hasPaths: true,
  invalidStarts: [
    { name: 'an invalid application', input: { target: 'a/b/c' }, message: 'input.target must be an application' },
    { name: 'a path traversal', input: { target: '../cart' }, message: 'input.target must be an application' },
    {
      name: 'an unknown parameter',
      input: { parameters: { prun: true } },
      message: 'input.parameters.prun is not a known field',
    },
    { name: 'an invalid value', input: { parameters: { prune: 'maybe' } }, message: 'input.parameters.prune' },
    {
      name: 'an invalid resource',
      input: { parameters: { resources: 'guestbook' } },
      message: 'use <group>:<kind>:<name>, such as apps:',
    },
  ],
  url: '/applications/argocd/guestbook',
  sends: [
    {
      name: 'the revision and the parameters, which may be text',
      input: { ref: 'v1.2', parameters },
      request: {
        body: {
          revision: 'v1.2',
          project: 'shop',
          prune: true,
          dryRun: false,
          infos: [{ name: 'cloud-automation-webhooks', value: marker }],
          strategy: { apply: { force: true } },
          resources: [
            { group: '', kind: 'Service', name: 'guestbook-ui' },
            { group: 'apps', kind: 'Deployment', name: 'guestbook-ui', namespace: 'shop' },
          ],
          syncOptions: { items: ['Replace=true'] },
        },
      },
    },
  ],
  refused: [
    { name: 'an unknown revision', input: { ref: 'nope' }, reason: 'unable to resolve nope to a commit SHA' },
    {
      name: 'a revision that conflicts with auto-sync',
      change: spec({ syncPolicy: { automated: {} } }),
      reason: 'Cannot sync to v1: auto-sync currently set to HEAD',
      input: { ref: 'v1' },
    },
    { name: 'a closed window', change: withState({ blocked: true }), reason: 'cannot sync: blocked by sync window' },
    {
      name: 'a permission',
      change: ({ state }) => Object.assign(state.may, { sync: false }),
      reason: 'applications, sync, shop/guestbook',
    },
    // Argo CD would ignore it.
    {
      name: 'one revision for several sources',
      change: spec({ sources: [{}, {}] }),
      reason: 'guestbook has several sources',
      input: { ref: 'v1' },
    },
    { name: 'an unknown application', input: { target: 'nope' }, reason: 'applications.argoproj.io "nope" not found' },
    { name: 'another project', input: { project: 'ops' }, reason: 'not found' },
  ],
  reports: [
    {
      name: 'why it waits',
      change: () => {},
      reported: { status: 'Running', progress: 'waiting for healthy state of apps/Deployment/guestbook-ui' },
    },
    {
      name: 'its duration, its revision and its images',
      change: synced('Healthy'),
      reported: {
        data: {
          duration: 12,
          revision: '53e28ff20cc530b9ada2173fbbd64d48338583ba',
          images: ['gcr.io/google-samples/gb-frontend:v5'],
        },
      },
    },
    {
      name: 'the degraded resources and their reasons',
      change: (fake) => {
        synced('Degraded')(fake)
        Object.assign(fake.application().status.resources[0] ?? {}, { health: { status: 'Degraded', message: late } })
      },
      reported: {
        message: `Sync ${id} ended as Succeeded/Degraded/Synced: Deployment guestbook-ui: ${late}`,
        data: { failedResources: ['Deployment/guestbook-ui'] },
      },
    },
    ...(['Failed', 'Error'] as const).map(
      (phase): Report => ({
        name: `the failed resources in the phase ${phase}`,
        change: ({ finish }) => finish(phase, 'one or more objects failed to apply', results),
        reported: {
          status: phase === 'Failed' ? 'succeeded' : 'errored',
          result: 'fail',
          message: `Sync ${id} ended as ${phase}: one or more objects failed to apply; Ingress web: admission webhook denied the request; Job migrate: Job has reached the backoff limit`,
          data: { failedResources: ['Ingress/web', 'Job/migrate'] },
        },
      }),
    ),
    ...replacements.map(
      ([by, who]): Report => ({
        name: `that the operation of ${who} took its place`,
        change: (fake) => {
          fake.finish('Succeeded', '')
          fake.operate(by)
          fake.reconcile('Healthy')
        },
        reported: {
          status: 'errored',
          result: 'fail',
          data: { state: 'Replaced' },
          message: expect.stringContaining(`the operation that ${who} started at`),
        },
      }),
    ),
  ],
  check: ['GET /api/v1/session/userinfo'],
  waits: [{ name: 'another operation', change: 'running', reason: 'another operation is already in progress' }],
  found: [
    { name: 'that has not started yet', change: () => {} },
    { name: 'that replaced a very recent one', change: ({ operate }) => operate({ username: 'mia' }) },
  ],
  slowStop: { state: 'Terminating' },
  refusedStops: [
    { change: synced('Progressing'), reason: 'cannot stop the rollout in the cluster' },
    {
      id: `team-a/cart#${marker}`,
      reason: `Argo CD reports no operation ${marker} of team-a/cart, and no other operation.`,
    },
    { change: ({ state }) => Object.assign(state.may, { sync: false }), reason: '403 to DELETE' },
    { id: `nope#${marker}`, reason: 'permission denied' },
  ],
  invalidIds: {
    ids: ['guestbook', 'guestbook#1', '../x#a1b2c3d4e5f6', 'a/b/c#a1b2c3d4e5f6', 'guestbook#a1b2c3d4e5f6/x'],
    message: 'such as guestbook#0a1b2c3d4e5f',
  },
})

describe('Argo CD: start', () => {
  test('takes application and project from the connection, even in another namespace', async () => {
    const { outcome } = await connected({ target: 'team-a/cart', project: 'shop' }).start({})
    expect(server.application('cart').operation).toBeDefined()
    expect(outcome.data).toMatchObject({
      id: `team-a/cart#${marker}`,
      url: `${server.url}/applications/team-a/cart`,
    })
  })

  test('carries a random marker if the call has no key', async () => {
    const started = await start(guestbook, { key: undefined })
    expect(started.outcome.data['id']).toMatch(/^guestbook#[0-9a-f]{12}$/)
    server.startOperation()
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Running' })
  })
})

test('Argo CD: a lost start has an unknown outcome if another operation may have replaced it', async () => {
  server.loseNext('POST')
  await failureOf(start())
  finish()
  server.operate({ username: 'mia' })
  await expectFailure(start(guestbook, { isRetry: true }), 'unconfirmed')
  expect(asked()).toBeUndefined()
})

test('Argo CD: a retry of a start starts a sync if the last operation is old', async () => {
  server.operate({ username: 'mia' })
  Object.assign(server.application().status.operationState ?? {}, { startedAt: '2026-01-01T00:00:00Z' })
  await start(guestbook, { isRetry: true })
  expect(asked()).toBeDefined()
})

describe('Argo CD: sync', () => {
  test('keeps running while a stale read returns the previous operation', async () => {
    for (const prepare of [() => {}, () => server.operate({ username: 'mia' })]) {
      prepare()
      server.state.lagging = structuredClone(server.state.applications)
      const started = await start()
      expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Pending' })
      server.state.lagging = undefined
      server.startOperation()
      server.finish('Succeeded', '')
    }
  })

  test('is not judged by the health before the sync', async () => {
    const started = await finished()
    server.application().status.health = { status: 'Degraded' }
    server.failNext(200, server.application(), { on: 'GET', times: 2 })
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Succeeded' })
    server.application().status.health = { status: 'Healthy' }
    server.application().status.sync.status = 'Synced'
    server.calls.length = 0
    expect(await connected().end(started, guestbook)).toMatchObject({ result: 'pass' })
    expect(server.calls.map(({ query }) => query.get('refresh'))).toEqual([null, 'normal'])
  })

  test('a dry run passes without a check of the health', async () => {
    const input = { ...guestbook, parameters: { dryRun: true } }
    const started = await finished('Succeeded', '', input)
    expect(await connected().end(started, input)).toMatchObject({
      result: 'pass',
      data: { state: 'Succeeded/dry run' },
    })
    expect(server.calls.filter(({ query }) => query.has('refresh'))).toEqual([])
  })
})

describe('Argo CD: cancel', () => {
  test('is transient until the operation has started', async () => {
    await start()
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ kind: 'platform', mayHaveWritten: false })
    expect(calls('DELETE')).toEqual([])
  })

  test('never stops an operation of another caller', async () => {
    await finished()
    server.application().operation = { sync: { revision: 'x' }, initiatedBy: { username: 'mia' } }
    server.startOperation()
    expect(await connected().stop({ id })).toMatchObject({ message: `Sync ${id} had ended already (Replaced)` })
    await argoCd.stop(connected().client(), { id })
    expect(calls('DELETE')).toEqual([])
  })

  test('passes if the operation ends between the poll and the request', async () => {
    await start()
    server.startOperation()
    const message = 'Unable to terminate operation. No operation is in progress'
    server.failNext(400, { message, code: 3 }, { on: 'DELETE' })
    await argoCd.stop(connected().client(), { id })
    expect(calls('DELETE')).toHaveLength(1)
  })
})
