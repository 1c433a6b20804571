import { describe, expect, test } from '@jest/globals'
import { argoCd } from '../../../functions/ci-cd/providers/argo-cd.ts'
import { startArgoCd } from '../../../infra/platforms/argo-cd.ts'
import { jobConformance } from '../../conformance/job.ts'
import { ciCdPlatforms } from '../../conformance/job-platforms/ci-cd.ts'
import { expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { Pipeline, pipelineActions } from './pipeline.ts'

const server = startEach(startArgoCd)
const guestbook = { target: 'guestbook', project: 'shop' }
const marker = keyOf(1).slice(0, 12)
const id = `guestbook#${marker}`

const connected = (fields: object = {}) =>
  new Pipeline(argoCd, () => ({ baseUrl: server.url, token: server.token, ...fields }))
const start = (input: object = guestbook, options: object = {}) => connected().start(input, options)
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const asked = () => server.application().operation
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

jobConformance(argoCd, pipelineActions, ciCdPlatforms['argo-cd'], {
  states: {
    running: [
      ...['Succeeded/Progressing/Synced', 'Succeeded/Progressing/OutOfSync', 'Succeeded/Suspended/Synced'],
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
    ['an invalid application', { target: 'a/b/c' }, 'input.target must be an application'],
    ['a path traversal', { target: '../cart' }, 'input.target must be an application'],
    ['an unknown parameter', { parameters: { prun: true } }, 'input.parameters.prun is not a known field'],
    ['an invalid value', { parameters: { prune: 'maybe' } }, 'input.parameters.prune'],
    ['an invalid resource', { parameters: { resources: 'guestbook' } }, 'use <group>:<kind>:<name>, such as apps:'],
  ],
  invalidIds: [
    ['guestbook', 'guestbook#1', '../x#a1b2c3d4e5f6', 'a/b/c#a1b2c3d4e5f6', 'guestbook#a1b2c3d4e5f6/x'],
    'such as guestbook#0a1b2c3d4e5f',
  ],
})

test('Argo CD: the check reads the user of the token', async () => {
  await argoCd.check(connected().client())
  expect(server.calls.map(({ path }) => path)).toEqual(['/api/v1/session/userinfo'])
})

test('Argo CD: a start reports an invalid session', async () => {
  await expectFailure(connected({ token: 'a-wrong-token' }).start(guestbook), 'credentials', 'invalid session')
})

describe('Argo CD: start', () => {
  test('syncs the application with the key as its marker, and returns its URL', async () => {
    expect((await start()).outcome.data).toMatchObject({ id, url: `${server.url}/applications/argocd/guestbook` })
    expect(asked()).toMatchObject({ info: [{ name: 'cloud-automation-webhooks', value: marker }] })
  })

  test('takes application and project from the connection, even in another namespace', async () => {
    const { outcome } = await connected({ target: 'team-a/cart', project: 'shop' }).start({})
    expect(server.application('cart').operation).toBeDefined()
    expect(outcome.data).toMatchObject({
      id: `team-a/cart#${marker}`,
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

  const spec = (more: object) => () => Object.assign(server.application().spec, more)
  test.each([
    ['an unknown revision', () => {}, { ref: 'nope' }, 'unable to resolve nope to a commit SHA'],
    [
      ...([
        'a revision that conflicts with auto-sync',
        spec({ syncPolicy: { automated: {} } }),
        { ref: 'v1' },
      ] as const),
      'Cannot sync to v1: auto-sync currently set to HEAD',
    ],
    [
      'a closed window',
      () => Object.assign(server.state, { blocked: true }),
      {},
      'cannot sync: blocked by sync window',
    ],
    ['a permission', () => Object.assign(server.state.may, { sync: false }), {}, 'applications, sync, shop/guestbook'],
    // Argo CD would ignore it.
    ['one revision for several sources', spec({ sources: [{}, {}] }), { ref: 'v1' }, 'guestbook has several sources'],
    ['an unknown application', () => {}, { target: 'nope' }, 'applications.argoproj.io "nope" not found'],
    ['another project', () => {}, { project: 'ops' }, 'not found'],
  ])('reports the reason for %s', async (_what, prepare, input, reason) => {
    prepare()
    await expectFailure(start({ ...guestbook, ...input }), { kind: 'refused', status: 422 }, reason)
    expect(asked()).toBeUndefined()
  })

  test('is transient while another operation is in progress', async () => {
    await start(guestbook, { key: keyOf(2) })
    const expected = { kind: 'platform', transient: true, mayHaveWritten: false }
    await expectFailure(start(), expected, 'another operation is already in progress')
  })
})

describe('Argo CD: start with a lost response', () => {
  test.each([
    ['requested', () => {}],
    ['running', () => server.startOperation()],
    ['over', () => finish()],
  ])('a retry finds the operation by its marker if it is %s', async (_how, prepare) => {
    server.loseNext('POST')
    await failureOf(start())
    prepare()
    expect((await start(guestbook, { isRetry: true })).outcome.data).toMatchObject({ id })
    expect(calls('POST')).toHaveLength(1)
  })

  test('a retry starts a sync that does not exist', async () => {
    server.failNext(502, '<html>', { on: 'POST' })
    await failureOf(start())
    await start(guestbook, { isRetry: true })
    expect(asked()?.info).toMatchObject([{ value: marker }])
  })

  test('the outcome is unknown if another operation may have replaced it', async () => {
    server.loseNext('POST')
    await failureOf(start())
    finish()
    server.operate({ username: 'mia' })
    await expectFailure(start(guestbook, { isRetry: true }), 'doubtful')
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

  test('reports its duration, its revision and its images', async () => {
    const started = await finished()
    server.reconcile('Healthy')
    expect((await connected().end(started, guestbook)).data).toMatchObject({
      ...{ duration: 12, revision: '53e28ff20cc530b9ada2173fbbd64d48338583ba' },
      images: ['gcr.io/google-samples/gb-frontend:v5'],
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
})

describe('Argo CD: cancel', () => {
  test('stops the operation and waits until it has ended', async () => {
    const started = await start()
    server.startOperation()
    expect(await connected().stop({ id, project: 'shop' })).toMatchObject({ message: 'still Terminating' })
    server.finish('Failed', 'Operation terminated')
    expect(await connected().end(started, guestbook)).toMatchObject({ status: 'aborted', result: 'fail' })
    expect(await connected().stop({ id })).toMatchObject({ message: `Sync ${id} had ended already (Failed)` })
    expect(calls('DELETE')).toHaveLength(1)
  })

  test('is transient until the operation has started', async () => {
    await start()
    expect(await failureOf(connected().stop({ id }))).toMatchObject({ kind: 'platform', mayHaveWritten: false })
    expect(calls('DELETE')).toEqual([])
  })

  test('is refused once everything is applied', async () => {
    await finished()
    server.reconcile('Progressing')
    await expectFailure(connected().stop({ id }), 'refused', 'cannot stop the rollout in the cluster')
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

  test('reports the reason for a refusal', async () => {
    await start()
    server.startOperation()
    server.state.may.sync = false
    await expectFailure(connected().stop({ id }), 'refused', '403 to DELETE')
    await expectFailure(connected().stop({ id: `nope#${marker}` }), 'refused', 'permission denied')
    const unknown = await failureOf(connected().stop({ id: `team-a/cart#${marker}` }))
    expect(unknown.message).toBe(`Argo CD reports no operation ${marker} of team-a/cart, and no other operation.`)
  })
})
