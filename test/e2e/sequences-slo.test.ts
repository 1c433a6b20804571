import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { keptnEventLog } from '../../infra/keptn/event-log.ts'
import { playSequence } from '../../infra/keptn/player.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service, triggered } from './service.ts'

let service: Service
beforeAll(async () => {
  service = await new Service({ timeScale: 4 }).start()
})
afterAll(() => service.end())
beforeEach(() => set('99.2'))

/** Sets the value on the page; an empty value means no data. */
async function set(value: string): Promise<void> {
  const body = new URLSearchParams({ slo: 'casdemoapp', value })
  const { status } = await fetch(`${service.url}/sandbox/dynatrace/set`, { method: 'POST', body, redirect: 'manual' })
  expect(status).toBe(303)
}

const list = async (name: string) => (await service.call(`/sandbox/${name}`, undefined, { method: 'GET' })).body

async function play(name: string) {
  const log = keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken)
  const played = await playSequence({ name, url: service.url, token: demo.callerToken, log })
  const events = (await service.events()).filter(({ shkeptncontext }) => shkeptncontext === played.context)
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert on any event.
  const ended = (task: string): any[] =>
    events.filter(({ type }) => type === `sh.keptn.event.${task}.finished`).map(({ data }) => data)
  return { ...played, results: played.tasks.map(({ name: task, outcome }) => `${task} ${outcome?.result}`), ended }
}

describe('The slo sequence', () => {
  it.each([
    ['99.2', { status: 'succeeded', result: 'pass' }, 100, 'pass', 84],
    ['96', { status: 'succeeded', result: 'warning' }, 50, 'warning', 20],
    ['90', { status: 'succeeded', result: 'fail' }, 0, 'fail', -100],
  ])(
    'with an SLO at %s ends accordingly, with score and results, and reports to Dynatrace',
    async (value, end, ...facts) => {
      await set(value)
      const { passed, ended } = await play('slo')
      const [score, status, errorBudget] = facts
      expect(passed).toBe(end.result !== 'fail')
      const [evaluation, ...more] = ended('evaluation')
      expect(more).toEqual([])
      expect(evaluation).toMatchObject({
        ...end,
        evaluation: {
          result: end.result,
          score,
          errorBudget,
          indicatorResults: [
            {
              displayName: 'casdemoapp',
              status,
              value: { metric: 'casdemoapp', value: Number(value), success: true },
              passTargets: [{ criteria: '>=97.5', targetValue: 97.5 }],
              warningTargets: [{ criteria: '>=95', targetValue: 95 }],
            },
          ],
        },
      })
      const { timeStart, timeEnd, url } = evaluation.evaluation
      expect(Date.parse(timeEnd) - Date.parse(timeStart)).toBe(300_000)
      expect(await (await fetch(url)).text()).toContain(`succeed: ${value} %`)
      const report = (await list('reports')).at(-1)
      expect(report).toMatchObject({
        eventType: 'CUSTOM_INFO',
        title: expect.stringContaining(`(score ${score})`),
        entity: 'casdemoapp',
      })
      expect(new Date(report.startTime).toISOString()).toBe(new Date(timeStart).toISOString())
    },
  )

  it('with an SLO without data ends as errored, never as pass, and reports it', async () => {
    await set('')
    const { passed, tasks, ended } = await play('slo')
    expect(passed).toBe(false)
    expect(tasks[0]?.outcome).toMatchObject({ status: 'errored', message: expect.stringContaining('no data') })
    expect(ended('evaluation')[0].evaluation.indicatorResults[0].value.success).toBe(false)
    expect((await list('reports')).at(-1).title).toContain('errored')
  })
})

describe('A missed SLO', () => {
  const ends = {
    incident: ['openticket pass', 'toggleflag pass', 'evaluation fail'],
    remediation: ['action pass', 'action pass', 'evaluation fail'],
    // In staging, without an approval or a production deployment.
    release: ['deployment pass', 'test pass', 'evaluation fail'],
  }
  const played = new Map<string, Awaited<ReturnType<typeof play>>>()
  beforeAll(async () => {
    await set('90')
    await Promise.all(Object.keys(ends).map(async (name) => played.set(name, await play(name))))
  })

  it.each(Object.entries(ends))('ends the sequence %s', (name, results) => {
    expect(played.get(name)).toMatchObject({ passed: false, results })
  })
})

it('A Dynatrace outage delays the evaluation', async () => {
  await service.fault({ target: 'dynatrace', kind: '503', count: 2 })
  const { passed, results } = await play('slo')
  expect([passed, results]).toEqual([true, ['evaluation pass']])
})

it('An SLO file compares with earlier passing evaluations, except invalidated ones', async () => {
  const evaluate = async (value: string) => {
    await set(value)
    const sloFile = {
      comparison: { compare_with: 'single_result', include_result_with_score: 'pass' },
      objectives: [{ sli: 'availability', pass: [{ criteria: ['>=-1'] }] }],
      total_score: { pass: '100%' },
    }
    const queries = [{ name: 'availability', query: 'casdemoapp' }]
    const data = { project: 'compared', stage: 'production', service: 'casdemoapp' }
    const event = triggered({ type: 'sh.keptn.event.evaluation.triggered', data })
    const input = { timeframe: '5m', queries, sloFile }
    const path = '/v1/slo/request-evaluation?mode=interactive&sendStarted=true'
    expect((await service.call(path, { ...event, input })).status).toBe(202)
    const { finished } = await service.finishedOf(event.id)
    // Keptn records an event a moment after it has accepted it.
    const log = keptnEventLog(`${service.url}/sandbox/keptn`, demo.keptnToken)
    const isRecorded = async () => (await log.read(event.shkeptncontext)).some(({ type }) => type.endsWith('.finished'))
    await service.until(isRecorded, 'the recorded result')
    return { event, result: finished[0].result, objective: finished[0].evaluation.indicatorResults[0] }
  }
  const compared = ({ result, objective }: Awaited<ReturnType<typeof evaluate>>) =>
    [result, objective.value.comparedValue] as const
  expect(compared(await evaluate('97'))).toEqual(['pass', undefined])
  const second = await evaluate('99')
  expect(compared(second)).toEqual(['pass', 97])
  // Failed evaluations are not compared.
  expect(compared(await evaluate('90'))).toEqual(['fail', 99])
  expect(compared(await evaluate('96.5'))).toEqual(['fail', 99])
  const { id, shkeptncontext, data } = second.event
  const invalidated = { type: 'sh.keptn.event.evaluation.invalidated', source: 'bridge', triggeredid: id }
  const headers = { 'x-token': demo.keptnToken }
  const sent = { ...invalidated, shkeptncontext, data }
  expect((await service.call('/sandbox/keptn/api/v1/event', sent, { token: null, headers })).status).toBe(200)
  expect(compared(await evaluate('96.5'))).toEqual(['pass', 97])
})
