import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/optimization/actions.ts'
import { optimization } from '../../../functions/optimization/index.ts'
import { akamas } from '../../../functions/optimization/providers/akamas.ts'
import { type AkamasServer, akamasServer, akamasUser } from '../../../infra/platforms/akamas.ts'
import { parseEvent } from '../../../shared/orchestrators/event.ts'
import type { Delegated } from '../../../shared/providers/action.ts'
import { clientOf, failureOf } from '../helpers.ts'

let server: AkamasServer
beforeEach(async () => {
  server = await akamasServer()
})
afterEach(() => server.close())

const study = 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f'
const triggered = {
  id: 'f2b878d3-03c0-4e8f-bc3f-454bc1b3d79d',
  type: 'sh.keptn.event.optimization.triggered',
  shkeptncontext: '08735340-6f9e-4b32-97ff-3b6c292bc509',
  data: { project: 'podtato-head', stage: 'prod', service: 'frontend' },
}
const values = (fields: object = {}) =>
  akamas.connection.parse({ baseUrl: server.url, ...akamasUser, mode: 'delegate', target: study, ...fields })
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
    expect(server.studies.get(study)).toEqual({
      'study-id': study,
      type: triggered.type,
      shkeptncontext: triggered.shkeptncontext,
      triggeredid: triggered.id,
      project: 'podtato-head',
      stage: 'prod',
      service: 'frontend',
    })
    expect(delegatedTo).toBe('Akamas')
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started study ${study}. Akamas sends the finished event itself.`,
      data: { id: study },
    })
  })

  test('that is already running is refused with the reason of Akamas', async () => {
    await start()
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('Study is already running, wait for completion')
  })

  test('is not started again after a lost response', async () => {
    server.loseNext('POST')
    expect(await failureOf(start())).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(start({}, triggered, true))).toMatchObject({ kind: 'doubtful' })
    expect(server.calls).toHaveLength(1)
  })

  test('can be retried if the webhook cannot reach Akamas', async () => {
    server.reachable = false
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'platform', transient: true, mayHaveWritten: false })
    expect(failure.message).toContain('check the services')
  })

  test('has an unknown outcome if the webhook failed', async () => {
    server.failNext(500, '<html><title>500 Internal Server Error</title></html>')
    expect(await failureOf(start())).toMatchObject({ kind: 'doubtful' })
  })

  test('reports invalid credentials without showing them', async () => {
    server.failNext(401, `User/password combination ${akamasUser.password} is wrong`)
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain(akamasUser.password)
  })

  test.each([
    ['is down', () => server.down(), 'doubtful'],
    ['too busy', () => server.failNext(429, '', { headers: { 'retry-after': '9' } }), 'platform'],
    ['not for us', () => server.failNext(403, 'no'), 'refused'],
  ])('with a webhook that %s fails as expected', async (_what, fail, kind) => {
    fail()
    expect(await failureOf(start())).toMatchObject({ kind })
  })

  test.each([
    ['parameters', { parameters: { a: 1 } }, 'input.parameters is not supported'],
    ['thresholds', { thresholds: [{ metric: 'p95', op: '<', value: 1 }] }, 'input.thresholds is not supported'],
    ['a project', { project: 'shop' }, 'input.project is not supported'],
    ['onDeadline', { onDeadline: 'leave' }, 'input.onDeadline is not supported'],
    ['onDeadline stop', { onDeadline: 'stop' }, 'cannot stop'],
  ])('is refused with %s before anything is sent', async (_what, input, message) => {
    const failure = await failureOf(start(input))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) })
    expect(server.calls).toEqual([])
  })

  test('is refused for an event that cannot be answered', async () => {
    const failure = await failureOf(start({}, { ...triggered, shkeptncontext: undefined }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('shkeptncontext is missing') })
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
  expect(server.studies.size).toBe(0)
  server.down()
  expect(await failureOf(akamas.check(clientOf(akamas, values())))).toMatchObject({ transient: true })
})

test('Akamas: the category has the provider', async () => {
  expect(await optimization.providers['akamas']?.()).toBe(akamas)
})
