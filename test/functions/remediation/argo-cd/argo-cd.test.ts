import { describe, expect, test } from '@jest/globals'
import { argoCd } from '../../../../functions/ci-cd/argo-cd/argo-cd.ts'
import { jobConformance } from '../../../conformance/job.ts'
import { expectFailure } from '../../helpers.ts'
import { rollbackActions } from '../../job-actions.ts'
import { jobRow } from './fake.ts'

const [oldest, good, bad] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string]
const guestbook = { target: 'guestbook', project: 'shop' }
const id = 'guestbook#rollback-1'

const goBack = (input: object = {}) => connected().start({ ...guestbook, ...input })
const calls = (method: string) => server.calls.filter((call) => call.method === method)
const asked = () => server.application().operation?.sync
/** A rollback that has completed in the cluster. */
const finished = async (phase = 'Succeeded', message = 'successfully synced', input: object = {}) => {
  const started = await goBack(input)
  server.startOperation()
  server.finish(phase, message)
  return started
}
/** A deployment in the history of an application. */
const deployed = (what: object, id: number) => ({
  id,
  deployStartedAt: '2026-11-24T15:00:00Z',
  deployedAt: '2026-11-24T15:00:00Z',
  ...what,
})
const sourceOf = (name: string) => ({ repoURL: `https://git.example.com/${name}.git`, targetRevision: 'HEAD' })
const transient = { kind: 'platform', transient: true, mayHaveWritten: false }

const { server, connected } = jobConformance(argoCd, rollbackActions, jobRow, {
  name: 'Argo CD: a rollback',
  states: {
    running: ['Succeeded/Progressing/OutOfSync'],
    pass: ['Succeeded/Healthy/OutOfSync', 'Succeeded/Healthy/Synced'],
    fail: ['Failed', 'Succeeded/Degraded/OutOfSync', 'Succeeded/Missing/OutOfSync'],
    errored: ['Error'],
  },
  // The tests of builds cover all states.
  otherStates: Object.keys(argoCd.states),
  unknownStates: [],
  hasPaths: true,
  invalidStarts: [
    { name: 'an invalid application', input: { target: 'a/b/c' }, message: 'input.target must be an application' },
    {
      name: 'a parameter that only a sync has',
      input: { parameters: { dryRun: true } },
      message: 'input.parameters.dryRun',
    },
    { name: 'an invalid value', input: { parameters: { prune: 'maybe' } }, message: 'input.parameters.prune' },
  ],
  refused: [
    {
      name: 'auto-sync',
      change: ({ application }) => Object.assign(application().spec, { syncPolicy: { automated: {} } }),
      reason: 'rollback cannot be initiated when auto-sync is enabled',
    },
    {
      name: 'a missing right',
      change: ({ state }) => Object.assign(state.may, { sync: false }),
      reason: 'applications, sync, shop/guestbook',
    },
    {
      name: 'a deployment that is not in the history',
      input: { ref: '7' },
      reason: `guestbook has no deployment 7 in its history. Its deployments: 0 (${oldest}), 1 (${good}), 2 (${bad}).`,
    },
    { name: 'too little of a revision', input: { ref: good.slice(0, 6) }, reason: 'has no deployment' },
    { name: 'an unknown application', input: { target: 'nope' }, reason: 'applications.argoproj.io "nope" not found' },
    { name: 'another project', input: { project: 'ops' }, reason: 'not found' },
  ],
  slowStop: { state: 'Terminating' },
  invalidIds: {
    ids: ['guestbook#rollback-', 'guestbook#rollback-1x', '../x#rollback-1'],
    message: 'guestbook#rollback-12',
  },
})

describe('Argo CD: a rollback', () => {
  test('rolls back to the previous deployment and reports it', async () => {
    const { outcome } = await goBack()
    const message = `Started rollback ${id}: to deployment 1 (${good}). It is still running: use mode=interactive to wait`
    const data = { id, url: `${server.url}/applications/argocd/guestbook` }
    expect(outcome).toMatchObject({ result: 'warning', message, data })
    const body = { name: 'guestbook', project: 'shop', id: 1 }
    expect(calls('POST')).toMatchObject([{ path: '/api/v1/applications/guestbook/rollback', body }])
    expect(asked()).toMatchObject({ revision: good, prune: false })
  })

  test.each([
    ['an id of the history', { ref: '0' }, { revision: oldest }],
    ['a revision', { ref: oldest }, { revision: oldest }],
    ['the beginning of a revision', { ref: good.slice(0, 7) }, { revision: good }],
    ['a request to delete newer resources', { parameters: { prune: 'on' } }, { prune: true }],
  ])('accepts %s', async (_what, input, sync) => {
    await goBack(input)
    expect(asked()).toMatchObject(sync)
  })

  test('uses the newest deployment of a revision', async () => {
    for (const revision of [oldest, bad]) server.deploy(revision)
    await goBack({ ref: oldest })
    expect(calls('POST')[0]?.body).toMatchObject({ id: 3 })
  })

  test('rolls back an application in another namespace', async () => {
    const source = sourceOf('cart')
    const history = [oldest, good].map((revision, id) => deployed({ revision, source }, id))
    Object.assign(server.application('cart').status, { history })
    const { outcome } = await goBack({ target: 'team-a/cart' })
    expect(outcome.data).toMatchObject({ id: 'team-a/cart#rollback-0' })
    expect(server.application('cart').operation?.sync).toMatchObject({ revision: oldest })
  })

  test('rolls back all revisions of an application with several sources', async () => {
    const sources = ['shop', 'values'].map(sourceOf)
    const history = [good, bad].map((revision, id) => deployed({ revisions: [revision, oldest], sources }, id))
    Object.assign(server.application().status, { history })
    const started = await finished()
    server.reconcile('Healthy', 'OutOfSync')
    const data = { revision: `${good}, ${oldest}` }
    expect(await connected().end(started, guestbook)).toMatchObject({ result: 'pass', data })
  })
})

describe('Argo CD: the previous deployment', () => {
  test.each<[what: string, prepare: () => unknown, revision: string]>([
    [
      'is older than the deployment that an earlier rollback restored',
      async () => {
        await finished()
        server.reconcile('Healthy', 'OutOfSync')
      },
      oldest,
    ],
    ['is older than the first of several deployments of the current revision', () => server.deploy(bad), good],
    ['is the last deployment if the sync after it is Failed', () => server.deploy('3e'.padEnd(40, 'd'), 'Failed'), bad],
    ['is the last deployment if the sync after it is Error', () => server.deploy('3e'.padEnd(40, 'd'), 'Error'), bad],
    ['is older than a deployment that failed when it was deployed again', () => server.deploy(bad, 'Failed'), good],
    ['is older than the last deployment after a sync without a change', () => server.deploy('', 'Error'), good],
  ])('%s', async (_what, prepare, revision) => {
    await prepare()
    await goBack()
    expect(asked()?.revision).toBe(revision)
  })

  test('is the same revision if only the parameters of the source changed', async () => {
    server.deploy(bad, 'Succeeded', { helm: { parameters: [{ name: 'tag', value: 'v6' }] } })
    await goBack()
    expect(calls('POST')[0]?.body).toMatchObject({ id: 2 })
    expect(asked()).toMatchObject({ revision: bad, source: expect.not.objectContaining({ helm: expect.anything() }) })
  })

  test('does not exist if the history has only the current revision', async () => {
    for (const history of [[], undefined, server.application().status.history?.slice(2)]) {
      Object.assign(server.application().status, { history })
      const refused = { kind: 'refused', status: 422 }
      await expectFailure(goBack(), refused, 'guestbook has no earlier deployment in its history')
    }
    expect(calls('POST')).toEqual([])
  })
})

test('Argo CD: a rollback is refused while another operation is running, unless it names the deployment', async () => {
  await goBack()
  await expectFailure(goBack(), 'refused', 'another operation is already in progress')
  await expectFailure(goBack({ ref: '0' }), transient)
})

describe('Argo CD: a started rollback', () => {
  test('is running from its request on and reports what it waits for', async () => {
    const started = await goBack()
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Pending' })
    server.startOperation()
    const progress = 'waiting for healthy state of apps/Deployment/guestbook-ui'
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Running', progress })
  })

  test('is running if the application still shows an earlier rollback to the same deployment', async () => {
    await finished('Succeeded', '', { ref: '0' })
    server.state.lagging = structuredClone(server.state.applications)
    const started = await goBack({ ref: '0' })
    expect(await connected().poll(started, guestbook)).toMatchObject({ status: 'Pending' })
  })

  test('reports the restored revision', async () => {
    const started = await finished()
    server.reconcile('Healthy', 'OutOfSync')
    const data = { id, state: 'Succeeded/Healthy/OutOfSync', revision: good, duration: 12 }
    expect(await connected().end(started, guestbook)).toMatchObject({ data })
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
})

describe('Argo CD: a stop of a rollback', () => {
  const stop = (stopped = id) => connected().stop({ id: stopped, project: 'shop' })

  test('waits until it has ended, and does not stop another operation', async () => {
    await finished()
    for (const sync of [{ revision: bad }, { revision: oldest }]) {
      server.application().operation = { sync, initiatedBy: { username: 'mia' } }
      server.startOperation()
      expect(await stop()).toMatchObject({ message: `Sync ${id} had ended already (Replaced)` })
    }
    expect((await stop('guestbook#rollback-99')).message).toContain('(Replaced)')
    expect(calls('DELETE')).toEqual([])
  })

  test('reports an unknown id', async () => {
    delete server.application().status.operationState
    const message = 'Argo CD reports no rollback to deployment 1 of guestbook, and no other operation.'
    await expectFailure(stop(), { message })
  })
})
