import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service, triggered } from './service.ts'

/** Seconds until the sandbox's Dynatrace may be asked. */
const dataDelay = 6
const service = new Service({
  timeScale: 4,
  secrets: (url) => ({
    'cloud-automation-webhooks/connections/slo/late': {
      ...{ provider: 'dynatrace', baseUrl: `${url}/sandbox/dynatrace`, token: demo.dynatraceToken },
      dataDelay,
    },
  }),
})
beforeAll(() => service.start())
afterAll(() => service.end())
beforeEach(() => service.clearFaults())

const evaluation = () => triggered({ type: 'sh.keptn.event.evaluation.triggered' })
const asked = async () => (await service.requests('dynatrace')).filter(({ path }) => path.startsWith('/api/v2/slo'))
const request = (event: object, query: string, input: object = {}) =>
  service.call(`/v1/slo/request-evaluation?${query}`, {
    ...event,
    input: { slo: 'casdemoapp', timeframe: '5m', ...input },
  })

describe('An evaluation whose data arrives late', () => {
  it('is awaited by its task across a crash, and requested once', async () => {
    const event = evaluation()
    const before = (await asked()).length
    const accepted = Date.now()
    expect((await request(event, 'mode=interactive&sendStarted=true&connection=late')).status).toBe(202)
    await service.until(async () => (await service.repliesTo(event.id)).started === 1, 'the start of the task')
    expect(await asked()).toHaveLength(before)
    await service.kill()
    await service.start()
    const { started, finished } = await service.finishedOf(event.id)
    expect(started).toBe(1)
    expect(finished).toMatchObject([{ status: 'succeeded', result: 'pass', evaluation: { score: 100 } }])
    expect(await asked()).toHaveLength(before + 1)
    // The timeframe ends at the start of the task, not at the response.
    const [{ evaluation: reports }] = finished as [{ evaluation: { timeStart: string; timeEnd: string } }]
    expect(Date.parse(reports.timeEnd) - Date.parse(reports.timeStart)).toBe(300_000)
    expect(Date.parse(reports.timeEnd)).toBeGreaterThanOrEqual(accepted)
    expect(Date.parse(reports.timeEnd)).toBeLessThanOrEqual(Date.now() - dataDelay * 1_000)
  })

  it('rejects a silent call for a time without data, and uses the latest time with data', async () => {
    const end = new Date(Date.now() + 60_000).toISOString()
    const late = await request({}, 'connection=late', { end })
    expect(late.status).toBe(422)
    expect(late.body.detail).toMatch(/^Not evaluated: Dynatrace has its data up to .* Use mode=interactive/)
    const call = await request({}, 'connection=late')
    expect(call).toMatchObject({ status: 200, body: { result: 'pass', data: { score: 100 } } })
    expect(Date.parse(call.body.data.timeEnd)).toBeLessThan(Date.now() - (dataDelay - 1) * 1_000)
  })

  it('ends at its deadline if the data does not arrive', async () => {
    const event = evaluation()
    const end = new Date(Date.now() + 3_600_000).toISOString()
    expect((await request(event, 'mode=interactive&sendStarted=true&deadline=PT5S', { end })).status).toBe(202)
    expect((await service.finishedOf(event.id)).finished).toMatchObject([
      {
        status: 'errored',
        result: 'fail',
        message: expect.stringMatching(/deadline of 5 s passed.*waiting for its data/),
      },
    ])
  })
})

describe('A validation by a guardian', () => {
  const executions = async () => {
    const headers = { authorization: `Bearer ${demo.dynatracePlatformToken}` }
    const response = await fetch(`${service.url}/sandbox/dynatrace/platform/automation/v1/executions`, { headers })
    const { results } = (await response.json()) as { results: unknown[] }
    return results
  }

  it('runs once if the process is killed before the response, and the platform fails afterwards', async () => {
    await service.fault({ target: 'dynatrace', kind: 'hang', after: true, match: { method: 'POST' }, count: 1 })
    const event = evaluation()
    const path = '/v1/slo/request-evaluation?mode=interactive&sendStarted=true&connection=guardian'
    expect((await service.call(path, { ...event, input: { timeframe: '5m' } })).status).toBe(202)
    await service.until(async () => (await executions()).length === 1, 'the execution of the workflow')
    await service.kill()
    await service.start()
    await service.fault({ target: 'dynatrace', kind: '503', match: { method: 'GET' }, count: 2 })
    expect((await service.finishedOf(event.id, 30)).finished).toMatchObject([
      { status: 'succeeded', result: 'pass', evaluation: { score: 100 } },
    ])
    expect(await executions()).toMatchObject([{ state: 'SUCCESS', input: { guardian: 'Checkout' } }])
  })
})

describe('A report', () => {
  const report = { evaluation: { score: 75, result: 'warning', indicatorResults: [] } }
  const reports = async () => (await service.call('/sandbox/reports', undefined, { method: 'GET' })).body

  it('is made once for a repeated event', async () => {
    const event = triggered({ type: 'sh.keptn.event.evaluation.finished' })
    const push = () =>
      service.call('/v1/slo/push-report?connection=events', { ...event, data: { ...event.data, ...report } })
    const answers = await Promise.all([push(), push()])
    expect(answers.map(({ status }) => status).sort()).toEqual(expect.arrayContaining([200]))
    expect(await push()).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect(await reports()).toHaveLength(1)
  })

  it('waits for a platform that is down', async () => {
    await service.fault({ target: 'dynatrace', kind: '503', count: 3 })
    const event = triggered({ type: 'sh.keptn.event.report.triggered' })
    const body = { ...event, data: { ...event.data, ...report } }
    const path = '/v1/slo/push-report?mode=interactive&sendStarted=true&connection=events'
    expect((await service.call(path, body)).status).toBe(202)
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
    expect(await reports()).toHaveLength(2)
  })
})
