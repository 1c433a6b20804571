import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { argoCd } from '../../../functions/ci-cd/providers/argo-cd.ts'
import { actions } from '../../../functions/remediation/actions.ts'
import { type ArgoCdServer, startArgoCd } from '../../../infra/platforms/argo-cd.ts'
import { failureOf } from '../helpers.ts'
import { Job } from '../job.ts'

const [oldest, good, bad] = ['0a', '1b', '2c'].map((start) => start.padEnd(40, 'd')) as [string, string, string]
const guestbook = { target: 'guestbook', project: 'shop' }
const rollback = { start: actions.rollback, stop: actions['stop-runbook'] }

let server: ArgoCdServer
beforeEach(async () => {
  server = await startArgoCd()
  for (const revision of [oldest, good, bad]) server.deploy(revision)
})
afterEach(() => server.close())

const connected = () => new Job(argoCd, rollback, () => ({ baseUrl: server.url, token: server.token }))
const goBack = (input: object = {}, options: object = {}) => connected().start({ ...guestbook, ...input }, options)
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const asked = () => server.application().operation?.sync
/** A rollback that has completed in the cluster. */
const finished = async (phase = 'Succeeded', message = 'successfully synced', input: object = {}) => {
  const started = await goBack(input)
  server.startOperation()
  server.finish(phase, message)
  return started
}

describe('Argo CD: a rollback', () => {
  test('rolls back to the previous deployment and reports it', async () => {
    const { outcome } = await goBack()
    const [id, url] = ['guestbook#rollback-1', `${server.url}/applications/argocd/guestbook`]
    expect(outcome).toMatchObject({
      result: 'warning',
      message: `Started rollback ${id}: to deployment 1 (${good}). It is still running: use mode=interactive to wait`,
      data: { id, url, state: 'started' },
      links: { [`argo-cd ${id}`]: url },
    })
    expect(calls('POST')).toMatchObject([
      { path: '/api/v1/applications/guestbook/rollback', body: { name: 'guestbook', project: 'shop', id: 1 } },
    ])
    expect(asked()).toMatchObject({ revision: good, prune: false })
  })

  test.each([
    ['an id of the history', '0', oldest],
    ['a revision', oldest, oldest],
    ['the beginning of a revision', good.slice(0, 7), good],
  ])('rolls back to the deployment with %s', async (_what, ref, revision) => {
    await goBack({ ref })
    expect(asked()).toMatchObject({ revision })
  })

  test('uses the newest deployment of a revision', async () => {
    server.deploy(oldest)
    server.deploy(bad)
    await goBack({ ref: oldest })
    expect(calls('POST')[0]?.body).toMatchObject({ id: 3 })
  })

  test('deletes newer resources only if requested', async () => {
    await goBack({ parameters: { prune: 'on' } })
    expect(asked()).toMatchObject({ prune: true })
  })

  test('rolls back an application in another namespace', async () => {
    const source = { repoURL: 'https://git.example.com/cart.git', targetRevision: 'HEAD' }
    const at = '2026-11-24T15:00:00Z'
    server.application('cart').status.history = [oldest, good].map((revision, id) => ({
      ...{ id, revision, source, deployStartedAt: at, deployedAt: at },
    }))
    const { outcome } = await goBack({ target: 'team-a/cart' })
    expect(outcome.data).toMatchObject({ id: 'team-a/cart#rollback-0' })
    expect(server.application('cart').operation?.sync).toMatchObject({ revision: oldest })
  })

  test('rolls back all revisions of an application with several sources', async () => {
    const sources = ['shop', 'values'].map((name) => ({
      repoURL: `https://git.example.com/${name}.git`,
      targetRevision: 'HEAD',
    }))
    const at = '2026-11-24T15:00:00Z'
    server.application().status.history = [good, bad].map((revision, id) => ({
      ...{ id, revisions: [revision, oldest], sources, deployStartedAt: at, deployedAt: at },
    }))
    const started = await finished()
    server.reconcile('Healthy', 'OutOfSync')
    expect(await connected().end(started, guestbook)).toMatchObject({
      result: 'pass',
      data: { revision: `${good}, ${oldest}` },
    })
  })
})

describe('Argo CD: the previous deployment', () => {
  const revisionBefore = async () => {
    await goBack()
    return asked()?.revision
  }

  test('is older than the deployment that an earlier rollback restored', async () => {
    await finished()
    server.reconcile('Healthy', 'OutOfSync')
    expect(await revisionBefore()).toBe(oldest)
  })

  test('is older than the first of several deployments of the current revision', async () => {
    server.deploy(bad)
    expect(await revisionBefore()).toBe(good)
  })

  test('is the same revision if only the parameters of the source changed', async () => {
    server.deploy(bad, 'Succeeded', { helm: { parameters: [{ name: 'tag', value: 'v6' }] } })
    await goBack()
    expect(calls('POST')[0]?.body).toMatchObject({ id: 2 })
    expect(asked()).toMatchObject({ revision: bad, source: expect.not.objectContaining({ helm: expect.anything() }) })
  })

  test.each(['Failed', 'Error'])('is the last deployment if the sync after it is %s', async (phase) => {
    server.deploy('3e'.padEnd(40, 'd'), phase)
    expect(await revisionBefore()).toBe(bad)
  })

  test('is older than a deployment that failed when it was deployed again', async () => {
    server.deploy(bad, 'Failed')
    expect(await revisionBefore()).toBe(good)
  })

  test('is older than the last deployment after a sync that failed without a change', async () => {
    server.deploy('', 'Error')
    expect(await revisionBefore()).toBe(good)
  })

  test('does not exist if the history has only the current revision', async () => {
    for (const history of [[], undefined, server.application().status.history?.slice(2)]) {
      Object.assign(server.application().status, { history })
      const failure = await failureOf(goBack())
      expect(failure).toMatchObject({ kind: 'refused', status: 422 })
      expect(failure.message).toContain('guestbook has no earlier deployment in its history')
    }
    expect(calls('POST')).toEqual([])
  })
})

describe('Argo CD: a rollback is refused', () => {
  test.each([
    ['an invalid application', { target: 'a/b/c' }, 'input.target must be an application'],
    ['a parameter that only a sync has', { parameters: { dryRun: true } }, 'input.parameters.dryRun'],
    ['an invalid value', { parameters: { prune: 'maybe' } }, 'input.parameters.prune'],
  ])('for %s before anything is sent', async (_what, input, message) => {
    const failure = await failureOf(goBack(input))
    expect(failure).toMatchObject({ kind: 'invalid', status: 400 })
    expect(failure.message).toContain(message)
    expect(server.calls).toEqual([])
  })

  test.each([
    [
      'auto-sync',
      () => Object.assign(server.application().spec, { syncPolicy: { automated: {} } }),
      {},
      'rollback cannot be initiated when auto-sync is enabled',
    ],
    [
      'a right that is missing',
      () => Object.assign(server.state.may, { sync: false }),
      {},
      'applications, sync, shop/guestbook',
    ],
    [
      'a deployment that is not in the history',
      () => {},
      { ref: '7' },
      `guestbook has no deployment 7 in its history. Its deployments: 0 (${oldest}), 1 (${good}), 2 (${bad}).`,
    ],
    ['too little of a revision', () => {}, { ref: good.slice(0, 6) }, 'has no deployment'],
    ['an application that is not there', () => {}, { target: 'nope' }, 'applications.argoproj.io "nope" not found'],
    ['a project that it is not in', () => {}, { project: 'ops' }, 'not found'],
  ])('with a reason for %s', async (_what, prepare, input, reason) => {
    prepare()
    const failure = await failureOf(goBack(input))
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain(reason)
    expect(asked()).toBeUndefined()
  })

  test('while another operation is running, because the previous deployment changes when it ends', async () => {
    await goBack()
    const failure = await failureOf(goBack())
    expect(failure).toMatchObject({ kind: 'refused' })
    expect(failure.message).toContain('another operation is already in progress')
  })

  test('for an invalid token without showing it', async () => {
    const stranger = new Job(argoCd, rollback, () => ({ baseUrl: server.url, token: 'a-wrong-token' }))
    const failure = await failureOf(stranger.start(guestbook))
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain('a-wrong-token')
  })
})

describe('Argo CD: a rollback can be retried', () => {
  test('while another operation is running, if it names the deployment', async () => {
    await goBack()
    const failure = await failureOf(goBack({ ref: '0' }))
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
  })

  test('if Argo CD is down or limits requests', async () => {
    server.down()
    expect(await failureOf(goBack())).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    server.down(false)
    server.failNext(429, { message: 'slow down' }, { on: 'POST', headers: { 'retry-after': '30' } })
    expect(await failureOf(goBack())).toMatchObject({ kind: 'platform', retryAfter: 30, mayHaveWritten: false })
  })

  test.each([
    ['lost', () => server.loseNext('POST')],
    ['an error of the gateway', () => server.failNext(502, '<html>', { on: 'POST' })],
  ])('not after the response %s, because it could roll back twice', async (_what, prepare) => {
    prepare()
    const failure = await failureOf(goBack())
    expect(failure).toMatchObject({ kind: 'doubtful', transient: false })
    expect(failure.message).toContain('It is unknown whether a rollback was started')
    expect(await failureOf(goBack({}, { isRetry: true }))).toMatchObject({ kind: 'doubtful' })
    expect(await failureOf(goBack({}, { isRetry: true, key: undefined }))).toMatchObject({ kind: 'doubtful' })
    expect(calls('POST')).toHaveLength(1)
  })
})

describe('Argo CD: a started rollback', () => {
  test('is running from its request on and reports what it waits for', async () => {
    const started = await goBack()
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Pending' })
    server.startOperation()
    expect(await connected().poll(started, guestbook)).toMatchObject({
      status: 'Running',
      progress: 'waiting for healthy state of apps/Deployment/guestbook-ui',
    })
  })

  test('is running if the application still shows an earlier rollback to the same deployment', async () => {
    await finished('Succeeded', '', { ref: '0' })
    server.state.lagging = structuredClone(server.state.applications)
    const started = await goBack({ ref: '0' })
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Pending' })
  })

  test.each([
    ['Healthy', 'OutOfSync', 'pass'],
    ['Healthy', 'Synced', 'pass'],
    ['Degraded', 'OutOfSync', 'fail'],
    ['Missing', 'OutOfSync', 'fail'],
  ])('ends with the health %s although the sync status is %s', async (health, sync, result) => {
    const started = await finished()
    server.reconcile(health, sync)
    expect(await connected().end(started, guestbook)).toMatchObject({
      status: 'succeeded',
      result,
      data: { id: 'guestbook#rollback-1', state: `Succeeded/${health}/${sync}`, revision: good, duration: 12 },
    })
  })

  test('is running while its pods start', async () => {
    const started = await finished()
    server.reconcile('Progressing', 'OutOfSync')
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Succeeded/Progressing/OutOfSync' })
  })

  test.each([
    ['Failed', 'one or more objects failed to apply', 'succeeded'],
    ['Error', 'ComparisonError: no such revision', 'errored'],
    ['Failed', 'Operation terminated', 'aborted'],
  ])('with the phase %s (%s) has the matching status', async (phase, message, status) => {
    const started = await finished(phase, message)
    expect(await connected().end(started, guestbook)).toMatchObject({
      status,
      result: 'fail',
      message: `Rollback guestbook#rollback-1 ended as ${phase}: ${message}`,
    })
  })

  test.each([
    ['to something else', { username: 'mia' }, bad],
    ['of auto-sync', { automated: true }, good],
  ])('is not confused with an operation %s that replaced it', async (_what, by, revision) => {
    const started = await finished()
    server.operate(by, { revision })
    server.reconcile('Healthy')
    expect(await connected().end(started, guestbook)).toMatchObject({ status: 'errored', data: { state: 'Replaced' } })
  })

  test('is found after its deployment has left the history', async () => {
    for (let more = 0; more < 7; more++) server.deploy(`4f${more}`.padEnd(40, 'd'))
    const started = await finished('Succeeded', '', { ref: '0' })
    server.reconcile('Healthy', 'OutOfSync')
    expect(server.application().status.history?.[0]?.id).toBe(1)
    expect(await connected().end(started, guestbook)).toMatchObject({ result: 'pass' })
  })

  test('can be polled again if Argo CD is down', async () => {
    const started = await finished()
    server.failNext(500, '<html><title>Oops</title></html>')
    expect(await failureOf(connected().poll(started, guestbook))).toMatchObject({ transient: true })
  })
})

describe('Argo CD: a stop of a rollback', () => {
  const stop = (id = 'guestbook#rollback-1') => connected().stop({ id, project: 'shop' })

  test('stops it by its id and waits until it has ended', async () => {
    const started = await goBack()
    server.startOperation()
    expect(await stop()).toMatchObject({ message: 'still Terminating' })
    server.finish('Failed', 'Operation terminated')
    expect(await connected().end(started, guestbook)).toMatchObject({ status: 'aborted' })
    expect(await stop()).toMatchObject({ message: 'Sync guestbook#rollback-1 had ended already (Failed)' })
    expect(calls('DELETE')).toHaveLength(1)
  })

  test('does not stop another operation', async () => {
    await finished()
    for (const sync of [{ revision: bad }, { revision: oldest }]) {
      server.application().operation = { sync, initiatedBy: { username: 'mia' } }
      server.startOperation()
      expect(await stop()).toMatchObject({ message: 'Sync guestbook#rollback-1 had ended already (Replaced)' })
    }
    expect(await stop('guestbook#rollback-99')).toMatchObject({ message: expect.stringContaining('(Replaced)') })
    expect(calls('DELETE')).toEqual([])
  })

  test('reports an unknown id', async () => {
    delete server.application().status.operationState
    expect((await failureOf(stop())).message).toBe(
      'Argo CD reports no rollback to deployment 1 of guestbook, and no other operation.',
    )
  })

  test.each(['guestbook#rollback-', 'guestbook#rollback-1x', '../x#rollback-1'])('refuses the id %s', async (wrong) => {
    const failure = await failureOf(stop(wrong))
    expect(failure).toMatchObject({ kind: 'invalid' })
    expect(failure.message).toContain('guestbook#rollback-12')
  })
})
