import { afterAll, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

/** Seconds until the sandbox's Dynatrace may be asked. */
const dataDelay = 5
const service = new Service({
  timeScale: 20,
  secrets: (url) => ({
    'cloud-automation-webhooks/connections/slo/late': {
      provider: 'dynatrace',
      baseUrl: `${url}/sandbox/dynatrace`,
      token: demo.dynatraceToken,
      dataDelay,
    },
    'cloud-automation-webhooks/connections/slo/with-file': {
      provider: 'dynatrace',
      baseUrl: `${url}/sandbox/dynatrace`,
      token: demo.dynatraceToken,
      sloFile: 'objectives:\n  - sli: casdemoapp\n    pass:\n      - criteria: [">=-1"]\ntotal_score:\n  pass: "90%"\n',
      queries: { casdemoapp: 'casdemoapp' },
    },
  }),
})
const eventOf = (task: string) => triggered({ type: `sh.keptn.event.${task}.triggered` })
const [late, expired, guarded] = [eventOf('evaluation'), eventOf('evaluation'), eventOf('evaluation')]
const [reported, scored] = [eventOf('report'), eventOf('score')]

const interactive = 'mode=interactive&sendStarted=true'
const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
const asked = async () => (await service.requests('dynatrace')).filter(({ path }) => path.startsWith('/api/v2/slo'))
const request = (event: object, query: string, input: object = {}) =>
  service.call(`/v1/slo/request-evaluation?${query}`, {
    ...event,
    input: { slo: 'casdemoapp', timeframe: '5m', ...input },
  })
const executions = async () => {
  const headers = { authorization: `Bearer ${demo.dynatracePlatformToken}` }
  const response = await fetch(`${service.url}/sandbox/dynatrace/platform/automation/v1/executions`, { headers })
  const { results } = (await response.json()) as { results: unknown[] }
  return results
}
const push = ({ data, ...event }: ReturnType<typeof eventOf>, query = '') => {
  const evaluation = { score: 75, result: 'warning', indicatorResults: [] }
  return service.call(`/v1/slo/push-report?connection=events${query}`, { ...event, data: { ...data, evaluation } })
}

await service.start()
await service.fault({ target: 'dynatrace', kind: 'hang', after: true, match: { method: 'POST' }, count: 1 })
const acceptedAt = Date.now()
const accepted = await waitForAll([
  request(late, `${interactive}&connection=late`),
  request(expired, `${interactive}&deadline=PT5S`, { end: inAnHour }),
  request(guarded, `${interactive}&connection=guardian`, { slo: undefined }),
])
expect(accepted.map(({ status }) => status)).toEqual([202, 202, 202])
await service.until(async () => (await service.repliesTo(late.id)).started === 1, 'the start of the task')
const waiting = `task ${accepted[1]?.body.taskId.slice(0, 8)} poll: pending`
await service.until(() => service.output.includes(waiting), 'a task that waits for its data')
await service.until(async () => (await executions()).length === 1, 'the execution of the workflow')
await service.kill()
await service.start()
for (const path of ['/executions/', '/events'])
  await service.fault({ target: 'dynatrace', kind: '503', match: { path }, count: 2 })
expect(await push(reported, `&${interactive}`)).toMatchObject({ status: 202 })
afterAll(() => service.end())

describe('An evaluation whose data arrives late', () => {
  it('is awaited by its task across a crash, and requested once', async () => {
    const { started, finished } = await service.finishedOf(late.id)
    expect(started).toBe(1)
    expect(finished).toMatchObject([{ status: 'succeeded', result: 'pass', evaluation: { score: 100 } }])
    const [question, ...more] = await asked()
    expect(more).toEqual([])
    // The timeframe ends at the start of the task, not at the response.
    const [{ evaluation }] = finished as [{ evaluation: { timeStart: string; timeEnd: string } }]
    const [start, end] = [Date.parse(evaluation.timeStart), Date.parse(evaluation.timeEnd)]
    expect(end - start).toBe(300_000)
    expect(end).toBeGreaterThanOrEqual(acceptedAt)
    expect(Date.parse(question?.at ?? '')).toBeGreaterThanOrEqual(end + dataDelay * 1_000)
  })

  it('rejects a silent call for a time without data, and uses the latest time with data', async () => {
    const rejected = await request({}, 'connection=late', { end: inAnHour })
    expect(rejected.status).toBe(422)
    expect(rejected.body.detail).toMatch(/^Not evaluated: Dynatrace has its data up to .* Use mode=interactive/)
    const call = await request({}, 'connection=late')
    expect(call).toMatchObject({ status: 200, body: { result: 'pass', data: { score: 100 } } })
    expect(Date.parse(call.body.data.timeEnd)).toBeLessThan(Date.now() - (dataDelay - 1) * 1_000)
  })

  it('ends at its deadline if the data does not arrive', async () => {
    const message = expect.stringMatching(/deadline of 5 s passed.*waiting for its data/)
    const { finished } = await service.finishedOf(expired.id)
    expect(finished).toMatchObject([{ status: 'errored', result: 'fail', message }])
  })
})

it('A validation by a guardian runs once if the process is killed before the response, and the platform fails', async () => {
  const { finished } = await service.finishedOf(guarded.id)
  expect(finished).toMatchObject([{ status: 'succeeded', result: 'pass', evaluation: { score: 100 } }])
  expect(await executions()).toMatchObject([{ state: 'SUCCESS', input: { guardian: 'Checkout' } }])
})

it('A report waits for a platform that is down, and is made once for a repeated event', async () => {
  expect((await service.finishedOf(reported.id)).finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
  const failed = (await service.requests('dynatrace')).filter(({ status }) => status === 503)
  expect(failed.map(({ path }) => path.includes('/events')).sort()).toEqual([false, false, true, true])
  const answers = await waitForAll([push(scored), push(scored)])
  expect(answers.map(({ status }) => status)).toContain(200)
  expect(await push(scored)).toMatchObject({ status: 200, body: { result: 'pass' } })
  expect((await service.call('/sandbox/reports', undefined, { method: 'GET' })).body).toHaveLength(2)
})

describe('An SLO file as text', () => {
  const yaml =
    'objectives:\n  - sli: availability\n    pass:\n      - criteria: [">=-1"]\ntotal_score:\n  pass: "90%"\n'
  const json = '{"objectives":[{"sli":"availability","pass":[{"criteria":[">=-1"]}]}],"total_score":{"pass":"90%"}}'
  const queries = { availability: 'casdemoapp' }
  const scored = { status: 'succeeded', result: 'pass', data: { score: 100 } }

  it.each([
    ['YAML', yaml],
    ['JSON', json],
  ])('is read from a call as %s', async (_, sloFile) => {
    const { body } = await request(eventOf('evaluation'), '', { slo: undefined, queries, sloFile })
    expect(body).toMatchObject(scored)
  })

  it('is read from a form, as Keptn sends it, by a task', async () => {
    const event = eventOf('evaluation')
    const form = new URLSearchParams({
      id: event.id,
      type: event.type,
      shkeptncontext: event.shkeptncontext,
      ...Object.fromEntries(Object.entries(event.data).map(([name, value]) => [`data.${name}`, String(value)])),
      'input.timeframe': '5m',
      'input.queries.availability': 'casdemoapp',
      'input.sloFile': yaml,
    })
    const { status } = await fetch(`${service.url}/v1/slo/request-evaluation?${interactive}`, {
      method: 'POST',
      headers: { 'x-token': demo.callerToken, 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    })
    expect(status).toBe(202)
    const { finished } = await service.finishedOf(event.id)
    expect(finished).toMatchObject([{ status: 'succeeded', result: 'pass', evaluation: { score: 100 } }])
  })

  it('is read from a connection', async () => {
    const { body } = await request(eventOf('evaluation'), 'connection=with-file', { slo: undefined })
    expect(body).toMatchObject(scored)
  })

  it('that is not valid is refused with the line', async () => {
    const { status, body } = await request({}, '', { slo: undefined, queries, sloFile: 'objectives: [' })
    expect(status).toBe(400)
    expect(body.detail).toMatch(/^input\.sloFile is not valid YAML: .* at line 1/)
  })
})
