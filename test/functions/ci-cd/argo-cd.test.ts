import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { argoCd } from '../../../functions/ci-cd/providers/argo-cd.ts'
import { type ArgoCdServer, startArgoCd } from '../../../infra/platforms/argo-cd.ts'
import { secretsIn } from '../../../shared/fields.ts'
import { failureOf, keyOf } from '../helpers.ts'
import { Pipeline } from './pipeline.ts'

let server: ArgoCdServer
beforeEach(async () => {
  server = await startArgoCd()
})
afterEach(() => server.close())

const guestbook = { target: 'guestbook', project: 'shop' }
/** The marker is the first twelve characters of a key, so they must differ. */
const key = `a1b2c3d4e5f6${keyOf(1).slice(12)}`
const other = `0f0f0f0f0f0f${keyOf(2).slice(12)}`
const id = 'guestbook#a1b2c3d4e5f6'

const connected = (fields: object = {}) =>
  new Pipeline(argoCd, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const start = (input: object = guestbook, options: object = {}) => connected().start(input, { key, ...options })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const asked = () => server.application().operation
/** Starts a sync that ends in the cluster. */
const finished = async (
  phase = 'Succeeded',
  message = 'successfully synced (all tasks run)',
  input: object = guestbook,
) => {
  const started = await start(input)
  server.startOperation()
  server.finish(phase, message)
  return started
}

describe('Argo CD: connection', () => {
  test('the check reads the user of the token', async () => {
    await argoCd.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/session/userinfo'])
  })

  test('an invalid token is a credentials failure, even if anonymous access returns 200', async () => {
    const stranger = connected({ token: 'a-wrong-token' })
    expect(await failureOf(argoCd.check(stranger.client()))).toMatchObject({ kind: 'credentials' })
    const failure = await failureOf(stranger.start(guestbook))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('invalid session')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('the token is a secret', async () => {
    expect(secretsIn(argoCd.connection, { token: server.token })).toEqual([server.token])
    server.failNext(400, { message: `no ${server.token}` })
    expect((await failureOf(start())).message).toContain('no ***')
  })
})

describe('Argo CD: start', () => {
  test('syncs the application and returns at once', async () => {
    const { outcome } = await start()
    const url = `${server.url}/applications/argocd/guestbook`
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started sync ${id}`,
      data: { id, url, state: 'started' },
      links: { [`argo-cd ${id}`]: url },
    })
    expect(asked()).toMatchObject({ info: [{ name: 'cloud-automation-webhooks', value: 'a1b2c3d4e5f6' }] })
  })

  test('takes application and project from the connection, even in another namespace', async () => {
    const { outcome } = await connected({ target: 'team-a/cart', project: 'shop' }).start({}, { key })
    expect(server.application('cart').operation).toBeDefined()
    expect(outcome.data).toMatchObject({
      id: 'team-a/cart#a1b2c3d4e5f6',
      url: `${server.url}/applications/team-a/cart`,
    })
  })

  test('sends the revision and the parameters, which may be text', async () => {
    const parameters = {
      prune: 'true',
      dryRun: false,
      force: true,
      strategy: 'apply',
      resources: ':Service:guestbook-ui, apps:Deployment:shop/guestbook-ui',
      syncOptions: ['Replace=true'],
    }
    await start({ ...guestbook, ref: 'v1.2', parameters })
    expect(calls('POST')[0]?.body).toMatchObject({ revision: 'v1.2', project: 'shop' })
    expect(asked()?.sync).toMatchObject({
      prune: true,
      dryRun: false,
      syncStrategy: { apply: { force: true } },
      resources: [
        { group: '', kind: 'Service', name: 'guestbook-ui' },
        { group: 'apps', kind: 'Deployment', name: 'guestbook-ui', namespace: 'shop' },
      ],
      syncOptions: ['Replace=true'],
    })
  })

  test('carries a random marker if the call has no key', async () => {
    const started = await start(guestbook, { key: undefined })
    expect(started.outcome.data['id']).toMatch(/^guestbook#[0-9a-f]{12}$/)
    server.startOperation()
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Running' })
  })

  test.each([
    ['an invalid application', { target: 'a/b/c' }, 'input.target must be an application'],
    ['a path traversal', { target: '../cart' }, 'input.target must be an application'],
    [
      'an unknown parameter',
      { parameters: { prun: true } },
      'input.parameters.prun is not a known field. Did you mean "prune"?',
    ],
    ['an invalid value', { parameters: { prune: 'maybe' } }, 'input.parameters.prune'],
    [
      'an invalid resource',
      { parameters: { resources: 'guestbook' } },
      'use <group>:<kind>:<name>, such as apps:Deployment:guestbook',
    ],
  ])('rejects %s before sending a request', async (_what, input, message) => {
    const failure = await failureOf(start({ ...guestbook, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([
    ['an unknown revision', () => {}, { ref: 'nope' }, 'unable to resolve nope to a commit SHA'],
    [
      'a revision that conflicts with auto-sync',
      () => Object.assign(server.application().spec, { syncPolicy: { automated: {} } }),
      { ref: 'v1' },
      'Cannot sync to v1: auto-sync currently set to HEAD',
    ],
    [
      'a closed sync window',
      () => Object.assign(server.state, { blocked: true }),
      {},
      'cannot sync: blocked by sync window',
    ],
    [
      'a missing permission',
      () => Object.assign(server.state.may, { sync: false }),
      {},
      'applications, sync, shop/guestbook',
    ],
    [
      'one revision for several sources, which Argo CD would ignore',
      () => Object.assign(server.application().spec, { sources: [{}, {}] }),
      { ref: 'v1' },
      'guestbook has several sources',
    ],
    ['an unknown application', () => {}, { target: 'nope' }, 'applications.argoproj.io "nope" not found'],
    ['another project', () => {}, { project: 'ops' }, 'not found'],
  ])('reports the reason for %s', async (_what, prepare, input, reason) => {
    prepare()
    const failure = await failureOf(start({ ...guestbook, ...input }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(reason)
    expect(asked()).toBeUndefined()
  })

  test('is transient while another operation is in progress', async () => {
    await start(guestbook, { key: other })
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('another operation is already in progress')
  })
})

describe('Argo CD: start with a lost response', () => {
  test.each([
    ['requested', () => {}],
    ['running', () => server.startOperation()],
    [
      'over',
      () => {
        server.startOperation()
        server.finish('Succeeded', '')
      },
    ],
  ])('a retry finds the operation by its marker if it is %s', async (_how, prepare) => {
    server.loseNext('POST')
    expect(await failureOf(start())).toMatchObject({ transient: true, mayHaveWritten: true })
    prepare()
    expect((await start(guestbook, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('a retry starts a sync that does not exist', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(start())
    await start(guestbook, { isRetry: true })
    expect(asked()?.info).toMatchObject([{ value: 'a1b2c3d4e5f6' }])
  })

  test('the outcome is unknown if another operation may have replaced it', async () => {
    server.loseNext('POST')
    await failureOf(start())
    server.startOperation()
    server.finish('Succeeded', '')
    server.operate({ username: 'mia' })
    expect(await failureOf(start(guestbook, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(asked()).toBeUndefined()
  })

  test('a retry finds an operation that replaced a very recent one', async () => {
    server.operate({ username: 'mia' })
    server.loseNext('POST')
    expect(await failureOf(start())).toMatchObject({ transient: true })
    expect((await start(guestbook, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('a retry starts a sync if the last operation is old', async () => {
    server.operate({ username: 'mia' })
    Object.assign(server.application().status.operationState ?? {}, { startedAt: '2026-01-01T00:00:00Z' })
    await start(guestbook, { isRetry: true })
    expect(asked()).toBeDefined()
  })

  test('is transient while Argo CD is down', async () => {
    server.down()
    expect(await failureOf(start())).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(429, { message: 'slow down' }, { headers: { 'retry-after': '30' } })
    expect(await failureOf(start())).toMatchObject({ kind: 'platform', retryAfter: 30 })
  })
})

describe('Argo CD: sync', () => {
  test('keeps running from its request on, and reports why it waits', async () => {
    const started = await start()
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Pending', progress: 'not started yet' })
    server.startOperation()
    expect(await connected().poll(started, guestbook)).toMatchObject({
      status: 'Running',
      progress: 'waiting for healthy state of apps/Deployment/guestbook-ui',
    })
  })

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

  test.each([
    ['Healthy', 'Synced', 'pass'],
    ['Healthy', 'OutOfSync', 'warning'],
    ['Degraded', 'Synced', 'fail'],
    ['Missing', 'OutOfSync', 'fail'],
  ])('in the health %s and sync status %s, ends with %s', async (health, sync, result) => {
    const started = await finished()
    server.reconcile(health, sync)
    expect(await connected().end(started, guestbook)).toMatchObject({
      status: 'succeeded',
      result,
      data: {
        id,
        state: `Succeeded/${health}/${sync}`,
        duration: 12,
        revision: '53e28ff20cc530b9ada2173fbbd64d48338583ba',
        images: ['gcr.io/google-samples/gb-frontend:v5'],
      },
    })
  })

  test.each([
    ['Progressing', 'Synced', 'Progressing'],
    ['Suspended', 'Synced', 'Suspended'],
    ['Unknown', 'Unknown', 'Unknown'],
  ])('keeps running while the application is %s', async (health, sync, step) => {
    const started = await finished()
    server.reconcile(health, sync)
    expect(await connected().poll(started, guestbook)).toMatchObject({
      status: expect.stringContaining(`Succeeded/${health}/${sync}`),
      progress: step,
    })
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

  test('a degraded application names the degraded resources and their reasons', async () => {
    const started = await finished()
    server.reconcile('Degraded')
    const message = 'Deployment "guestbook-ui" exceeded its progress deadline'
    Object.assign(server.application().status.resources[0] ?? {}, { health: { status: 'Degraded', message } })
    const ended = await connected().end(started, guestbook)
    expect(ended.message).toBe(`Sync ${id} ended as Succeeded/Degraded/Synced: Deployment guestbook-ui: ${message}`)
    expect(ended.data).toMatchObject({ failedResources: ['Deployment/guestbook-ui'] })
  })

  test.each([
    ['Failed', 'succeeded'],
    ['Error', 'errored'],
  ])('in the phase %s, ends as %s and names the failed resources', async (phase, status) => {
    const started = await start()
    server.startOperation()
    server.finish(phase, 'one or more objects failed to apply', [
      { name: 'fine' },
      { kind: 'Ingress', name: 'web', status: 'SyncFailed', message: 'admission webhook denied the request' },
      { kind: 'Job', name: 'migrate', status: '', hookPhase: 'Failed', message: 'Job has reached the backoff limit' },
    ])
    expect(await connected().end(started, guestbook)).toMatchObject({
      status,
      result: 'fail',
      message: `Sync ${id} ended as ${phase}: one or more objects failed to apply; Ingress web: admission webhook denied the request; Job migrate: Job has reached the backoff limit`,
      data: { failedResources: ['Ingress/web', 'Job/migrate'] },
    })
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

  test.each([
    [{ username: 'mia' }, 'mia'],
    [{ automated: true }, 'auto-sync'],
  ])('ends as replaced if another operation took its place: %j', async (by, who) => {
    const started = await finished()
    server.operate(by)
    server.reconcile('Healthy')
    expect(await connected().end(started, guestbook)).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringContaining(`the operation that ${who} started at`),
      data: { state: 'Replaced' },
    })
  })

  test('is judged by thresholds', async () => {
    const input = { ...guestbook, thresholds: [{ metric: 'duration', op: '<', value: 10 }] }
    const started = await finished('Succeeded', '', input)
    server.reconcile('Healthy')
    expect(await connected().end(started, input)).toMatchObject({ result: 'fail' })
  })

  test('keeps running while Argo CD is down, and is refused if the application no longer exists', async () => {
    const started = await finished()
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, guestbook))).toMatchObject({ transient: true })
    server.state.applications = []
    expect(await failureOf(connected().poll(started, guestbook))).toMatchObject({ kind: 'refused' })
  })
})

describe('Argo CD: cancel', () => {
  test('stops the operation and waits until it has ended', async () => {
    const started = await start()
    server.startOperation()
    expect(await connected().cancel({ id, project: 'shop' })).toMatchObject({ message: 'still Terminating' })
    server.finish('Failed', 'Operation terminated')
    expect(await connected().end(started, guestbook)).toMatchObject({ status: 'aborted', result: 'fail' })
    expect(await connected().cancel({ id })).toMatchObject({ message: `Sync ${id} had ended already (Failed)` })
    expect(calls('DELETE')).toHaveLength(1)
  })

  test('is transient until the operation has started', async () => {
    await start()
    expect(await failureOf(connected().cancel({ id }))).toMatchObject({ kind: 'platform', mayHaveWritten: false })
    expect(calls('DELETE')).toEqual([])
  })

  test('is refused once everything is applied', async () => {
    await finished()
    server.reconcile('Progressing')
    const failure = await failureOf(connected().cancel({ id }))
    expect(failure).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('cannot stop the rollout in the cluster'),
    })
  })

  test('never stops an operation of another caller', async () => {
    await finished()
    server.application().operation = { sync: { revision: 'x' }, initiatedBy: { username: 'mia' } }
    server.startOperation()
    expect(await connected().cancel({ id })).toMatchObject({ message: `Sync ${id} had ended already (Replaced)` })
    await argoCd.stop(connected().client(), { id })
    expect(calls('DELETE')).toEqual([])
  })

  test('passes if the operation ends between the poll and the request', async () => {
    await start()
    server.startOperation()
    server.failNext(
      400,
      { message: 'Unable to terminate operation. No operation is in progress', code: 3 },
      { on: 'DELETE' },
    )
    await argoCd.stop(connected().client(), { id })
    expect(calls('DELETE')).toHaveLength(1)
  })

  test('reports the reason for a refusal', async () => {
    await start()
    server.startOperation()
    server.state.may.sync = false
    expect((await failureOf(connected().cancel({ id }))).message).toContain('403 to DELETE')
    expect((await failureOf(connected().cancel({ id: `nope#${id.slice(-12)}` }))).message).toContain(
      'permission denied',
    )
    const unknown = await failureOf(connected().cancel({ id: `team-a/cart#${id.slice(-12)}` }))
    expect(unknown.message).toBe('Argo CD reports no operation a1b2c3d4e5f6 of team-a/cart, and no other operation.')
  })

  test.each(['guestbook', 'guestbook#1', '../x#a1b2c3d4e5f6', 'a/b/c#a1b2c3d4e5f6', 'guestbook#a1b2c3d4e5f6/x'])(
    'rejects the id %s',
    async (wrong) => {
      const failure = await failureOf(connected().cancel({ id: wrong }))
      expect(failure).toMatchObject({ kind: 'invalid' })
      expect(failure.message).toContain('such as guestbook#0a1b2c3d4e5f')
    },
  )
})
