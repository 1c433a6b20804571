import { describe, expect, it } from '@jest/globals'
import type { Call } from '../../../../infra/testing/loopback-server.ts'
import { Failure } from '../../../../shared/errors.ts'
import type { Answer } from '../../../../shared/orchestrators/orchestrator.ts'
import { passed } from '../../../../shared/outcome.ts'
import { clearSecrets, redact } from '../../../../shared/redact.ts'
import { orchestratorConformance } from '../../../conformance/orchestrator.ts'
import { PERSONAL_TOKEN, startAzureDevops } from './server.ts'

const parse = (headers = azure.headers(), more?: object) => read({}, headers, more)
const refusal = (headers: Record<string, string>, more?: object): Failure => {
  try {
    parse(headers, more)
  } catch (error) {
    if (error instanceof Failure) return error
  }
  throw new Error('The call was not refused.')
}
const finished = (result: 'pass' | 'warning' | 'fail', message = 'p95 was 812 ms'): Answer => ({
  kind: 'finished',
  outcome: { ...passed(message, {}, { dashboard: 'https://grafana.example.com/d/1' }), result },
})
const send = (answer: Answer, uncertainAttempts = 0, more?: object) => {
  const { replyTo, ...origin } = parse(azure.headers(), more)
  return connect(more).send({ ...task(), origin, replyTo }, answer, uncertainAttempts)
}
const isEvent = ({ path }: Call) => path.endsWith('/events')
const lines = () => azure.calls.map(({ method, path }) => `${method} ${path.split('/plans/')[1]?.split('/')[1]}`)

const example = await startAzureDevops()
const original = { ...example.task }
const {
  server: azure,
  connect,
  parse: read,
  task,
} = orchestratorConformance('azure-devops', {
  start: async () => ({
    server: example,
    settings: { collections: [example.collection] },
    secrets: [example.task.token],
    reset() {
      clearSecrets()
      example.reset(original)
    },
    kindOf: (call) => {
      if (!isEvent(call)) return undefined
      return call.text.includes('"TaskStarted"') ? 'started' : 'finished'
    },
    identityOf: ({ text }) => text,
    shown: () => [example.task.result, example.task.issues.map(({ type, message }) => `${type} ${message}`)],
  }),
  body: {},
  headers: example.headers(),
  required: Object.keys(example.headers()),
  sends: ['started', 'finished'],
  verdicts: [
    { verdict: 'pass', shown: ['succeeded', []] },
    { verdict: 'warning', shown: ['succeeded', ['warning Deployed 1.2']] },
    { verdict: 'fail', shown: ['failed', ['error 2 tests failed']] },
    { verdict: 'errored', shown: ['failed', ['error The platform answered 500']] },
    { verdict: 'aborted', shown: ['failed', ['error Canceled by ci']] },
  ],
  failedChecks: [
    { settings: {}, failure: { kind: 'platform' }, change: (server) => server.failNext(200, '<!DOCTYPE html>') },
    { settings: {}, failure: { kind: 'refused' }, change: (server) => server.failNext(404, '<!DOCTYPE html>') },
    { settings: { token: 'pat-that-has-expired' }, failure: { kind: 'credentials' } },
  ],
})

describe('The call of a check', () => {
  it('is the same task each time, and another one for another instance of the task', () => {
    const { id } = parse()
    const upperCase = { ...azure.headers(), PlanId: azure.task.plan.toUpperCase() }
    const other = { ...azure.headers(), TaskInstanceId: azure.task.plan }
    expect([parse(upperCase).id, parse(other).id]).toEqual([id, expect.not.stringContaining(id)])
  })

  it.each([
    ['https://dev.azure.com/contoso', true],
    ['https://dev.azure.com/Contoso/', true],
    ['https://contoso.visualstudio.com/', true],
    ['https://tfs.example.com:8080/tfs/DefaultCollection/', true],
    ['https://dev.azure.com/fabrikam/', false],
    ['https://dev.azure.com/contoso/other/', false],
    ['https://dev.azure.com/contoso/../fabrikam/', false],
    ['https://dev.azure.com/contoso%2f', false],
    ['https://dev.azure.com/', false],
    ['https://dev.azure.com.example.com/contoso/', false],
    ['https://dev.azure.com@example.com/contoso/', false],
    ['http://dev.azure.com/contoso/', false],
    ['https://dev.azure.com/contoso/?x=https://example.com', false],
  ])('with the collection %s is accepted: %s', (planUrl, isAccepted) => {
    const onPremises = 'https://tfs.example.com:8080/tfs/DefaultCollection/'
    const collections = ['https://dev.azure.com/contoso/', 'https://contoso.visualstudio.com/', onPremises]
    const headers = { ...azure.headers(), PlanUrl: planUrl }
    if (!isAccepted) expect(refusal(headers, { collections }).errors).toMatchObject([{ path: 'PlanUrl' }])
    else expect(collections).toContain(JSON.parse(parse(headers, { collections }).replyTo ?? '').collection)
  })

  it.each([
    ['AuthToken', '$(system.AccessToken)', 'is missing: add "AuthToken": "$(system.AccessToken)"'],
    ['PlanId', '42', 'must be a GUID'],
    ['HubName', 'pool', 'must be one of build, release, gates, checks'],
  ])('is refused if %s is %s', (name, value, message) => {
    expect(refusal({ ...azure.headers(), [name]: value }).message).toContain(`The header ${name} ${message}`)
  })

  it('may take 47 hours, or longer with a personal access token', () => {
    const withToken = parse(azure.headers(), { token: PERSONAL_TOKEN })
    expect([parse().maxDeadline, withToken.maxDeadline]).toEqual([47 * 3_600, undefined])
  })

  it('is refused if the secret does not have its project', () => {
    const projects = (id: string) => ({ projects: [id] })
    expect(parse(azure.headers(), projects(azure.task.project)).id).toBeTruthy()
    const { errors } = refusal(azure.headers(), projects(azure.task.plan))
    expect(errors).toMatchObject([{ path: 'ProjectId', message: expect.stringContaining('"projects"') }])
  })

  it('has its access token masked from then on', () => {
    parse()
    expect(redact(`token ${azure.task.token}`)).toBe('token ***')
  })
})

describe('The result', () => {
  it('is sent after its reason', async () => {
    expect(await send(finished('warning'))).toBe('sent')
    const { task } = azure
    const log = `load-testing/start-test: warning
p95 was 812 ms
dashboard: https://grafana.example.com/d/1
Status: https://webhooks.example.com/v1/load-testing/tasks/${'a'.repeat(40)}`
    expect(task.logs[(task.logId ?? 0) - 1]).toBe(log)
    expect(lines()).toEqual(['POST logs', 'POST logs', 'PATCH timelines', 'POST events'])
  })

  it('has no further log after five attempts, but its reason in the timeline', async () => {
    expect(await send(finished('fail'), 5)).toBe('sent')
    expect(lines()).toEqual(['PATCH timelines', 'POST events'])
    expect(azure.task.issues).toMatchObject([{ message: 'p95 was 812 ms' }])
  })

  it.each(['logs', 'timelines'])('is sent even if %s cannot be written', async (part) => {
    azure.failNext(500, '', { on: ({ path }) => path.includes(`/${part}`), times: 2 })
    expect(await send(finished('fail'))).toBe('sent')
    expect(azure.task.result).toBe('failed')
  })

  it.each([12, 13])('of a gate with the plan version %d has the ids that it expects', async (planVersion) => {
    azure.reset({ hub: 'Gates', planVersion })
    expect(await send(finished('pass'))).toBe('sent')
    const { task, job } = azure.task
    const ids = { 12: ['00000000-0000-0000-0000-000000000000', task], 13: [task, job] }[planVersion] ?? []
    expect(azure.calls.find(isEvent)?.body).toMatchObject({ taskId: ids[0], jobId: ids[1] })
  })

  it('of a canceled run is tried three times', async () => {
    azure.task.state = 'canceled'
    for (const attempt of [0, 1])
      await expect(send(finished('pass'), attempt)).rejects.toMatchObject({ kind: 'refused' })
    expect(await send(finished('pass'), 2)).toBe('unwanted')
  })

  it.each([
    ['pass', 'sent'],
    ['fail', 'unwanted'],
  ] as const)('%s is %s if Azure DevOps refuses it because the task has succeeded', async (result, delivery) => {
    Object.assign(azure.task, { state: 'completed', result: 'succeeded' })
    azure.refusesRepeats = true
    expect(await send(finished(result), 2)).toBe(delivery)
  })

  it('is lost once the access token of the job was refused twelve times', async () => {
    azure.failNext(401, '', { on: isEvent, times: 2 })
    await expect(send(finished('pass'), 10)).rejects.toMatchObject({ kind: 'credentials' })
    expect(await send(finished('pass'), 11)).toBe('lost')
  })

  it('is sent with the personal access token, and again until it is valid', async () => {
    azure.failNext(401, '', { on: isEvent })
    await expect(send(finished('pass'), 20, { token: PERSONAL_TOKEN })).rejects.toMatchObject({ kind: 'credentials' })
    expect(await send(finished('pass'), 21, { token: PERSONAL_TOKEN })).toBe('sent')
    const authorizations = azure.calls.map(({ headers }) => headers['authorization'])
    expect(new Set(authorizations)).toEqual(new Set([`Basic ${Buffer.from(`:${PERSONAL_TOKEN}`).toString('base64')}`]))
  })

  it('has not arrived if the response is the sign-in page', async () => {
    const page = { on: isEvent, headers: { 'content-type': 'text/html' } }
    azure.failNext(203, '<!DOCTYPE html><title>Sign in</title>', page)
    await expect(send(finished('pass'))).rejects.toMatchObject({ kind: 'credentials' })
  })

  it('is not sent to a collection that the secret no longer has', async () => {
    const { send } = connect({ collections: ['https://dev.azure.com/other/'] })
    await expect(send(task(), finished('pass'), 0)).rejects.toMatchObject({ kind: 'misconfigured' })
    expect(azure.calls).toEqual([])
  })
})

describe('The connection test', () => {
  it('passes without a token if the collection responds, also if it requires one', async () => {
    await expect(connect().check()).resolves.toBeUndefined()
    azure.failNext(401)
    await expect(connect().check()).resolves.toBeUndefined()
  })

  it('checks a personal access token', async () => {
    await expect(connect({ token: PERSONAL_TOKEN }).check()).resolves.toBeUndefined()
  })
})

describe('The secret', () => {
  const invalid = [[], ['https://dev.azure.com/'], ['contoso'], ['https://jane@dev.azure.com/contoso/']]
  it.each(invalid)('with the collections %j is not valid', (...collections) => {
    expect(() => connect({ collections })).toThrow()
  })

  it('may list its collections in a text', () => {
    const collections = 'https://dev.azure.com/contoso/, https://contoso.visualstudio.com/'
    expect(() => connect({ collections })).not.toThrow()
  })
})
