import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { actions } from '../../../functions/optimization/actions.ts'
import { optimization } from '../../../functions/optimization/index.ts'
import { akamas } from '../../../functions/optimization/providers/akamas.ts'
import { type AkamasServer, akamasServer, akamasUser } from '../../../infra/platforms/akamas.ts'
import { parseEvent } from '../../../shared/orchestrators/keptn/event.ts'
import type { Delegated } from '../../../shared/providers/action.ts'
import { clientOf, failureOf } from '../helpers.ts'

let server: AkamasServer
beforeEach(async () => {
  server = await akamasServer()
})
afterEach(() => server.close())

const study = 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f'
const whole = {
  id: 'f2b878d3-03c0-4e8f-bc3f-454bc1b3d79d',
  type: 'sh.keptn.event.optimization.triggered',
  shkeptncontext: '08735340-6f9e-4b32-97ff-3b6c292bc509',
  data: { project: 'podtato-head', stage: 'prod', service: 'frontend' },
}
const values = (fields: object = {}) =>
  akamas.connection.parse({ baseUrl: server.url, ...akamasUser, mode: 'delegate', target: study, ...fields })
const action = actions['start-model']
const start = async (input: object = {}, event: object = whole, isRetry = false) => {
  const connection = values()
  // biome-ignore lint/suspicious/noExplicitAny: as the framework hands a provider to its action.
  const provider = akamas as any
  const from = { event: parseEvent(event as Record<string, unknown>), connection, provider }
  const completed = action.complete(action.input.parse(input) as never, from)
  return (await action.run(provider, clientOf(akamas, connection, { isRetry }) as never, completed)) as Delegated
}

describe('a study', () => {
  test('is handed over with all that it takes to answer the event', async () => {
    const { outcome, delegatedTo: answeredBy } = await start()
    expect(server.studies.get(study)).toEqual({
      'study-id': study,
      type: whole.type,
      shkeptncontext: whole.shkeptncontext,
      triggeredid: whole.id,
      project: 'podtato-head',
      stage: 'prod',
      service: 'frontend',
    })
    expect(answeredBy).toBe('Akamas')
    expect(outcome).toMatchObject({
      result: 'pass',
      message: `Started study ${study}. Akamas sends the finished event itself.`,
      data: { id: study },
    })
  })

  test('that runs already is refused in the words of Akamas', async () => {
    await start()
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'refused', status: 422 })
    expect(failure.message).toContain('Study is already running, wait for completion')
  })

  test('whose answer was lost is not started again', async () => {
    server.loseNext('POST')
    expect(await failureOf(start())).toMatchObject({ kind: 'doubtful', transient: false })
    expect(await failureOf(start({}, whole, true))).toMatchObject({ kind: 'doubtful' })
    expect(server.calls).toHaveLength(1)
  })

  test('is tried again where the bridge found no Akamas: nothing was begun', async () => {
    server.reachable = false
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'platform', transient: true, afterWrite: false })
    expect(failure.message).toContain('check the services')
  })

  test('is in doubt where the bridge itself failed', async () => {
    server.failNext(500, '<html><title>500 Internal Server Error</title></html>')
    expect(await failureOf(start())).toMatchObject({ kind: 'doubtful' })
  })

  test('is refused with credentials that Akamas does not take, which are not shown', async () => {
    server.failNext(401, `User/password combination ${akamasUser.password} is wrong`)
    const failure = await failureOf(start())
    expect(failure).toMatchObject({ kind: 'credentials' })
    expect(failure.message).not.toContain(akamasUser.password)
  })

  test.each([
    ['down', () => server.down(), 'doubtful'],
    ['too busy', () => server.failNext(429, '', { headers: { 'retry-after': '9' } }), 'platform'],
    ['not for us', () => server.failNext(403, 'no'), 'refused'],
  ])('of a bridge that is %s ends as it must', async (_what, fail, kind) => {
    fail()
    expect(await failureOf(start())).toMatchObject({ kind })
  })

  test.each([
    ['parameters', { parameters: { a: 1 } }, 'input.parameters is of no use'],
    ['thresholds', { thresholds: [{ metric: 'p95', op: '<', value: 1 }] }, 'input.thresholds is of no use'],
    ['a project', { project: 'shop' }, 'input.project is of no use'],
    ['a wish for its end', { onDeadline: 'leave' }, 'input.onDeadline is of no use'],
    ['a wish that it be stopped', { onDeadline: 'stop' }, 'cannot stop'],
  ])('is refused at the door with %s', async (_what, input, message) => {
    const failure = await failureOf(start(input))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) })
    expect(server.calls).toEqual([])
  })

  test('is refused for an event that can not be answered', async () => {
    const failure = await failureOf(start({}, { ...whole, shkeptncontext: undefined }))
    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('shkeptncontext is missing') })
  })

  test('can not be stopped: there is no call for that', () => {
    expect(akamas).not.toHaveProperty('stop')
  })
})

test('the connection says that Akamas answers', () => {
  expect(akamas.connection.safeParse({ baseUrl: server.url, ...akamasUser }).success).toBe(false)
  expect(akamas.sendsFinished(values())).toBe(true)
})

test('the check tells that the bridge is there, and starts nothing', async () => {
  await akamas.check(clientOf(akamas, values()))
  expect(server.studies.size).toBe(0)
  server.down()
  expect(await failureOf(akamas.check(clientOf(akamas, values())))).toMatchObject({ transient: true })
})

test('the category has it', async () => {
  expect(await optimization.providers['akamas']?.()).toBe(akamas)
})
