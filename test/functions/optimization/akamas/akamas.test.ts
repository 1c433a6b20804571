import { describe, expect, test } from '@jest/globals'
import { actions } from '../../../../functions/optimization/actions.ts'
import { akamas } from '../../../../functions/optimization/akamas/akamas.ts'
import { optimization } from '../../../../functions/optimization/index.ts'
import { parseEvent } from '../../../../shared/orchestrators/event/event.ts'
import type { Delegated } from '../../../../shared/providers/action.ts'
import { clientOf, expectFailure, failureOf, startEach } from '../../helpers.ts'
import { akamasServer, akamasUser } from './fake.ts'

const server = startEach(akamasServer)

const study = 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f'
const named = { project: 'podtato-head', stage: 'prod', service: 'frontend' }
const triggered = {
  id: 'f2b878d3-03c0-4e8f-bc3f-454bc1b3d79d',
  type: 'sh.keptn.event.optimization.triggered',
  shkeptncontext: '08735340-6f9e-4b32-97ff-3b6c292bc509',
  data: named,
}
const values = () => akamas.connection.parse({ baseUrl: server.url, ...akamasUser, mode: 'delegate', target: study })
const action = actions['start-model']
const start = async (input: object = {}, event: object = triggered, isRetry = false) => {
  const connection = values()
  // biome-ignore lint/suspicious/noExplicitAny: as the framework hands a provider to its action.
  const provider = akamas as any
  const from = { event: parseEvent(event as Record<string, unknown>), connection, provider }
  const completed = action.complete(action.input.parse(input) as never, from)
  return (await action.run(provider, clientOf(akamas, connection, { isRetry }) as never, completed)) as Delegated
}

describe('Akamas: a study', () => {
  test('is delegated with everything that the answer of the event needs', async () => {
    const { outcome, delegatedTo } = await start()
    const { id: triggeredid, type, shkeptncontext } = triggered
    const sent = { 'study-id': study, type, shkeptncontext, triggeredid, ...named }
    expect(server.state.studies.get(study)).toEqual(sent)
    expect(delegatedTo).toBe('Akamas')
    const message = `Started study ${study}. Akamas sends the finished event itself.`
    expect(outcome).toMatchObject({ result: 'pass', message, data: { id: study } })
  })

  test('that is already running is refused with the reason of Akamas', async () => {
    await start()
    const message = 'Study is already running, wait for completion'
    await expectFailure(start(), { kind: 'refused', status: 422 }, message)
  })

  test('is not started again after a lost response', async () => {
    server.loseNext('POST')
    await expectFailure(start(), { kind: 'unconfirmed', transient: false })
    await expectFailure(start({}, triggered, true), 'unconfirmed')
    expect(server.calls).toHaveLength(1)
  })

  test('can be retried if the webhook cannot reach Akamas', async () => {
    server.state.isReachable = false
    await expectFailure(start(), { kind: 'platform', transient: true, mayHaveWritten: false }, 'check the services')
  })

  test('reports invalid credentials without showing them', async () => {
    server.failNext(401, `User/password combination ${akamasUser.password} is wrong`)
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain(akamasUser.password)
  })

  test.each([
    ['is down', () => server.down(), 'unconfirmed'],
    ['fails', () => server.failNext(500, '<html><title>500 Internal Server Error</title></html>'), 'unconfirmed'],
    ['is too busy', () => server.failNext(429, '', { headers: { 'retry-after': '9' } }), 'platform'],
    ['is not for us', () => server.failNext(403, 'no'), 'refused'],
  ] as const)('with a webhook that %s fails as expected', async (_what, fail, kind) => {
    fail()
    await expectFailure(start(), kind)
  })

  test.each([
    ['parameters', { parameters: { a: 1 } }, triggered, 'input.parameters is not supported'],
    [
      'thresholds',
      { thresholds: [{ metric: 'p95', op: '<', value: 1 }] },
      triggered,
      'input.thresholds is not supported',
    ],
    ['a project', { project: 'shop' }, triggered, 'input.project is not supported'],
    ['onDeadline', { onDeadline: 'leave' }, triggered, 'input.onDeadline is not supported'],
    ['onDeadline stop', { onDeadline: 'stop' }, triggered, 'cannot stop'],
    ['an event that cannot be answered', {}, { ...triggered, shkeptncontext: undefined }, 'shkeptncontext is missing'],
  ])('is refused with %s before anything is sent', async (_what, input, event, message) => {
    await expectFailure(start(input, event), 'invalid', message)
    expect(server.calls).toEqual([])
  })

  test('cannot be stopped', () => {
    expect(akamas).not.toHaveProperty('stop')
  })
})

test('Akamas: the connection declares that Akamas sends the finished event', () => {
  expect(akamas.connection.safeParse({ baseUrl: server.url, ...akamasUser }).success).toBe(false)
  expect(akamas.sendsFinished(values())).toBe(true)
})

test('Akamas: the connection test starts nothing', async () => {
  await akamas.check(clientOf(akamas, values()))
  expect(server.state.studies.size).toBe(0)
  server.down()
  await expectFailure(Promise.resolve(akamas.check(clientOf(akamas, values()))), { transient: true })
})

test('Akamas: the category has the provider', async () => {
  expect(await optimization.providers['akamas']?.()).toBe(akamas)
})
