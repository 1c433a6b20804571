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
/** The first twelve of a key: here they must differ. */
const key = `a1b2c3d4e5f6${keyOf(1).slice(12)}`
const other = `0f0f0f0f0f0f${keyOf(2).slice(12)}`
const id = 'guestbook#a1b2c3d4e5f6'

const connected = (fields: object = {}) =>
  new Pipeline(argoCd, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const start = (input: object = guestbook, options: object = {}) => connected().start(input, { key, ...options })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const asked = () => server.application().operation
/** A sync that has come to its end in the cluster. */
const finished = async (
  phase = 'Succeeded',
  message = 'successfully synced (all tasks run)',
  input: object = guestbook,
) => {
  const begun = await start(input)
  server.startOperation()
  server.finish(phase, message)
  return begun
}

describe('the connection', () => {
  test('is checked with the user of the token', async () => {
    await argoCd.check(connected().client())
    expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/session/userinfo'])
  })

  test('says that a token is wrong, though Argo CD answers 200 where strangers may look', async () => {
    const stranger = connected({ token: 'a-wrong-token' })
    expect(await failureOf(argoCd.check(stranger.client()))).toMatchObject({ kind: 'credentials' })
    const failure = await failureOf(stranger.start(guestbook))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).toContain('invalid session')
    expect(failure.message).not.toContain('a-wrong-token')
  })

  test('has its token masked wherever it turns up', async () => {
    expect(secretsIn(argoCd.connection, { token: server.token })).toEqual([server.token])
    server.failNext(400, { message: `no ${server.token}` })
    expect((await failureOf(start())).message).toContain('no ***')
  })
})

describe('a start', () => {
  test('syncs the application, and answers at once', async () => {
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

  test('takes application and project from the connection, also one in a namespace of its own', async () => {
    const { outcome } = await connected({ target: 'team-a/cart', project: 'shop' }).start({}, { key })
    expect(server.application('cart').operation).toBeDefined()
    expect(outcome.data).toMatchObject({
      id: 'team-a/cart#a1b2c3d4e5f6',
      url: `${server.url}/applications/team-a/cart`,
    })
  })

  test('asks for a revision and for what the parameters say, also as text', async () => {
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

  test('carries a mark of its own where the call has no key', async () => {
    const begun = await start(guestbook, { key: undefined })
    expect(begun.outcome.data['id']).toMatch(/^guestbook#[0-9a-f]{12}$/)
    server.startOperation()
    expect(await connected().poll(begun, guestbook)).toMatchObject({ status: 'Running' })
  })

  test.each([
    ['an application that is none', { target: 'a/b/c' }, 'input.target is no application'],
    ['a way out', { target: '../cart' }, 'input.target is no application'],
    [
      'a parameter that it does not have',
      { parameters: { prun: true } },
      'input.parameters.prun is not a known field. Did you mean "prune"?',
    ],
    ['a value that is none', { parameters: { prune: 'maybe' } }, 'input.parameters.prune'],
    ['a resource that is none', { parameters: { resources: 'guestbook' } }, 'write it like apps:Deployment:guestbook'],
  ])('is refused before anything is sent for %s', async (_what, input, message) => {
    const failure = await failureOf(start({ ...guestbook, ...input }))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([
    ['a revision that is not there', () => {}, { ref: 'nope' }, 'unable to resolve nope to a commit SHA'],
    [
      'a revision beside that of auto-sync',
      () => Object.assign(server.application().spec, { syncPolicy: { automated: {} } }),
      { ref: 'v1' },
      'Cannot sync to v1: auto-sync currently set to HEAD',
    ],
    [
      'a window in which nothing is synced',
      () => Object.assign(server.state, { blocked: true }),
      {},
      'cannot sync: blocked by sync window',
    ],
    [
      'a right that is missing',
      () => Object.assign(server.state.may, { sync: false }),
      {},
      'applications, sync, shop/guestbook',
    ],
    [
      'a revision of several sources, which it would leave out',
      () => Object.assign(server.application().spec, { sources: [{}, {}] }),
      { ref: 'v1' },
      'guestbook has several sources',
    ],
    ['an application that is not there', () => {}, { target: 'nope' }, 'applications.argoproj.io "nope" not found'],
    ['a project that it is not in', () => {}, { project: 'ops' }, 'not found'],
  ])('says what is wrong with %s', async (_what, prepare, input, reason) => {
    prepare()
    const failure = await failureOf(start({ ...guestbook, ...input }))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(reason)
    expect(asked()).toBeUndefined()
  })

  test('is tried again while another operation goes on', async () => {
    await start(guestbook, { key: other })
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'platform', transient: true, afterWrite: false })
    expect(failure.message).toContain('another operation is already in progress')
  })
})

describe('a start whose answer was lost', () => {
  test.each([
    ['asked for', () => {}],
    ['under way', () => server.startOperation()],
    [
      'over',
      () => {
        server.startOperation()
        server.finish('Succeeded', '')
      },
    ],
  ])('is found by its mark where the operation is %s', async (_how, prepare) => {
    server.loseNext('POST')
    expect(await failureOf(start())).toMatchObject({ transient: true, afterWrite: true })
    prepare()
    expect((await start(guestbook, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('is started where it is not there', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(start())
    await start(guestbook, { isRetry: true })
    expect(asked()?.info).toMatchObject([{ value: 'a1b2c3d4e5f6' }])
  })

  test('is in doubt where another operation may have taken its place by then', async () => {
    server.loseNext('POST')
    await failureOf(start())
    server.startOperation()
    server.finish('Succeeded', '')
    server.operate({ username: 'mia' })
    expect(await failureOf(start(guestbook, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(asked()).toBeUndefined()
  })

  test('is looked up also where another operation came just before it', async () => {
    server.operate({ username: 'mia' })
    server.loseNext('POST')
    expect(await failureOf(start())).toMatchObject({ transient: true })
    expect((await start(guestbook, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('is started beside an operation of long ago', async () => {
    server.operate({ username: 'mia' })
    Object.assign(server.application().status.operationState ?? {}, { startedAt: '2026-01-01T00:00:00Z' })
    await start(guestbook, { isRetry: true })
    expect(asked()).toBeDefined()
  })

  test('is a fault that goes away where Argo CD is down', async () => {
    server.down()
    expect(await failureOf(start())).toMatchObject({ kind: 'platform', transient: true })
    server.down(false)
    server.failNext(429, { message: 'slow down' }, { headers: { 'retry-after': '30' } })
    expect(await failureOf(start())).toMatchObject({ kind: 'platform', retryAfter: 30 })
  })
})

describe('a sync', () => {
  test('goes on from its request on, and says what it waits for', async () => {
    const begun = await start()
    expect(await connected().poll(begun, guestbook)).toMatchObject({ status: 'Pending', progress: 'not begun yet' })
    server.startOperation()
    expect(await connected().poll(begun, guestbook)).toMatchObject({
      status: 'Running',
      progress: 'waiting for healthy state of apps/Deployment/guestbook-ui',
    })
  })

  test('goes on where a read still shows what was there before it', async () => {
    for (const prepare of [() => {}, () => server.operate({ username: 'mia' })]) {
      prepare()
      server.state.lagging = structuredClone(server.state.applications)
      const begun = await start()
      expect(await connected().poll(begun, guestbook)).toMatchObject({ status: 'Pending' })
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
  ])('that has made the application %s and %s ends with %s', async (health, sync, result) => {
    const begun = await finished()
    server.reconcile(health, sync)
    expect(await connected().end(begun, guestbook)).toMatchObject({
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
  ])('goes on while the application is %s', async (health, sync, step) => {
    const begun = await finished()
    server.reconcile(health, sync)
    expect(await connected().poll(begun, guestbook)).toMatchObject({
      status: expect.stringContaining(`Succeeded/${health}/${sync}`),
      progress: step,
    })
  })

  test('is not judged by the health of what was there before', async () => {
    const begun = await finished()
    server.application().status.health = { status: 'Degraded' }
    server.failNext(200, server.application(), { on: 'GET', times: 2 })
    expect(await connected().poll(begun, guestbook)).toMatchObject({ status: 'Succeeded' })
    server.application().status.health = { status: 'Healthy' }
    server.application().status.sync.status = 'Synced'
    server.calls.length = 0
    expect(await connected().end(begun, guestbook)).toMatchObject({ result: 'pass' })
    expect(server.calls.map(({ query }) => query.get('refresh'))).toEqual([null, 'normal'])
  })

  test('that is degraded names the resources that are, and why', async () => {
    const begun = await finished()
    server.reconcile('Degraded')
    const message = 'Deployment "guestbook-ui" exceeded its progress deadline'
    Object.assign(server.application().status.resources[0] ?? {}, { health: { status: 'Degraded', message } })
    const ended = await connected().end(begun, guestbook)
    expect(ended.message).toBe(`Sync ${id} ended as Succeeded/Degraded/Synced: Deployment guestbook-ui: ${message}`)
    expect(ended.data).toMatchObject({ failedResources: ['Deployment/guestbook-ui'] })
  })

  test.each([
    ['Failed', 'succeeded'],
    ['Error', 'errored'],
  ])('in the phase %s ends as %s, and names what could not be applied', async (phase, status) => {
    const begun = await start()
    server.startOperation()
    server.finish(phase, 'one or more objects failed to apply', [
      { name: 'fine' },
      { kind: 'Ingress', name: 'web', status: 'SyncFailed', message: 'admission webhook denied the request' },
      { kind: 'Job', name: 'migrate', status: '', hookPhase: 'Failed', message: 'Job has reached the backoff limit' },
    ])
    expect(await connected().end(begun, guestbook)).toMatchObject({
      status,
      result: 'fail',
      message: `Sync ${id} ended as ${phase}: one or more objects failed to apply; Ingress web: admission webhook denied the request; Job migrate: Job has reached the backoff limit`,
      data: { failedResources: ['Ingress/web', 'Job/migrate'] },
    })
  })

  test('that only tries passes without a look at the health', async () => {
    const input = { ...guestbook, parameters: { dryRun: true } }
    const begun = await finished('Succeeded', '', input)
    expect(await connected().end(begun, input)).toMatchObject({ result: 'pass', data: { state: 'Succeeded/dry run' } })
    expect(server.calls.filter(({ query }) => query.has('refresh'))).toEqual([])
  })

  test.each([
    [{ username: 'mia' }, 'mia'],
    [{ automated: true }, 'auto-sync'],
  ])('whose place another has taken is not taken for it: %j', async (by, who) => {
    const begun = await finished()
    server.operate(by)
    server.reconcile('Healthy')
    expect(await connected().end(begun, guestbook)).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringContaining(`the operation that ${who} began at`),
      data: { state: 'Replaced' },
    })
  })

  test('is held against thresholds', async () => {
    const input = { ...guestbook, thresholds: [{ metric: 'duration', op: '<', value: 10 }] }
    const begun = await finished('Succeeded', '', input)
    server.reconcile('Healthy')
    expect(await connected().end(begun, input)).toMatchObject({ result: 'fail' })
  })

  test('is looked at again where Argo CD is down, and refused where its application is gone', async () => {
    const begun = await finished()
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(begun, guestbook))).toMatchObject({ transient: true })
    server.state.applications = []
    expect(await failureOf(connected().poll(begun, guestbook))).toMatchObject({ kind: 'refused' })
  })
})

describe('cancel', () => {
  test('ends the operation, and waits until it has ended', async () => {
    const begun = await start()
    server.startOperation()
    expect(await connected().cancel({ id, project: 'shop' })).toMatchObject({ message: 'still Terminating' })
    server.finish('Failed', 'Operation terminated')
    expect(await connected().end(begun, guestbook)).toMatchObject({ status: 'aborted', result: 'fail' })
    expect(await connected().cancel({ id })).toMatchObject({ message: `Sync ${id} had ended already (Failed)` })
    expect(calls('DELETE')).toHaveLength(1)
  })

  test('is tried again where the operation has not begun', async () => {
    await start()
    expect(await failureOf(connected().cancel({ id }))).toMatchObject({ kind: 'platform', afterWrite: false })
    expect(calls('DELETE')).toEqual([])
  })

  test('says that there is nothing to stop where all is applied', async () => {
    await finished()
    server.reconcile('Progressing')
    const failure = await failureOf(connected().cancel({ id }))
    expect(failure).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('what goes on is in the cluster'),
    })
  })

  test('never ends the operation of somebody else', async () => {
    await finished()
    server.application().operation = { sync: { revision: 'x' }, initiatedBy: { username: 'mia' } }
    server.startOperation()
    expect(await connected().cancel({ id })).toMatchObject({ message: `Sync ${id} had ended already (Replaced)` })
    await argoCd.stop(connected().client(), { id })
    expect(calls('DELETE')).toEqual([])
  })

  test('passes where it ends between our look and the call', async () => {
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

  test('says why Argo CD does not do it', async () => {
    await start()
    server.startOperation()
    server.state.may.sync = false
    expect((await failureOf(connected().cancel({ id }))).message).toContain('403 to DELETE')
    expect((await failureOf(connected().cancel({ id: `nope#${id.slice(-12)}` }))).message).toContain(
      'permission denied',
    )
    const unknown = await failureOf(connected().cancel({ id: `team-a/cart#${id.slice(-12)}` }))
    expect(unknown.message).toBe('Argo CD shows no operation a1b2c3d4e5f6 of team-a/cart, nor any other.')
  })

  test.each(['guestbook', 'guestbook#1', '../x#a1b2c3d4e5f6', 'a/b/c#a1b2c3d4e5f6', 'guestbook#a1b2c3d4e5f6/x'])(
    'refuses the id %s',
    async (wrong) => {
      const failure = await failureOf(connected().cancel({ id: wrong }))
      expect(failure).toMatchObject({ kind: 'invalid' })
      expect(failure.message).toContain('write it like guestbook#0a1b2c3d4e5f')
    },
  )
})
