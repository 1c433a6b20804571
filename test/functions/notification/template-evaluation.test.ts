import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { messageOf } from '../../../functions/notification/templates/index.ts'
import { preview } from '../../../infra/sandbox/keptn/preview.ts'
import type { GoObject } from '../../../infra/sandbox/keptn/template/values.ts'
import { parseCallBody } from '../../../shared/core/webhook/body.ts'
import { type CallEvent, parseEvent } from '../../../shared/orchestrators/event/event.ts'
import {
  bridge,
  checkout,
  type Data,
  failed,
  field,
  messageFor,
  occasion,
  passed,
  place,
  shown,
} from './template-messages.ts'

// An event of lighthouse-service, from keptn/spec, cloudevents.md and the examples of the Bridge.
const indicatorResults = [
  {
    displayName: 'Response time P95',
    keySli: false,
    score: 1,
    status: 'pass',
    passTargets: [
      { criteria: '<=+10%', targetValue: 392.5944454106811, violated: false },
      { criteria: '<600', targetValue: 600, violated: false },
    ],
    warningTargets: [{ criteria: '<=800', targetValue: 800, violated: false }],
    value: { metric: 'response_time_p95', success: true, value: 364.2398472 },
  },
  {
    displayName: 'Error rate',
    keySli: true,
    score: 0.5,
    status: 'warning',
    passTargets: [{ criteria: '=0', targetValue: 0, violated: true }],
    warningTargets: [{ criteria: '<1', targetValue: 1, violated: false }],
    value: { metric: 'error_rate', success: true, value: 0.40115315268094 },
  },
  {
    displayName: '',
    keySli: false,
    passTargets: null,
    warningTargets: null,
    score: 0,
    status: 'info',
    value: { metric: 'throughput', success: true, value: 18483.6 },
  },
  {
    displayName: 'Page load',
    keySli: false,
    warningTargets: null,
    score: 0,
    status: 'fail',
    passTargets: [{ criteria: '<=+10%', targetValue: 0, violated: true }],
    value: { metric: 'page_load', success: false, value: 0, message: 'Unsupported SLI metric page_load.' },
  },
]
const evaluation = {
  timeStart: '2021-03-16T12:44:54.120Z',
  timeEnd: '2021-03-16T12:46:58Z',
  result: 'warning',
  score: 83.33333333,
  sloFileContent: 'LS0tDQpzcGVjX3ZlcnNpb246ICIxLjAi'.repeat(1_000),
  indicatorResults,
  comparedEvents: ['8ad74029-5ceb-4680-b697-d1701078faff'],
  gitCommit: '',
}

describe('template evaluation', () => {
  it('shows the score and the objectives, the worst first', () => {
    const labels = { build: '1.4.2', pipeline: 'https://ci.example.com/runs/33' }
    const data = { status: 'succeeded', result: 'warning', message: '', evaluation, labels }
    const { event } = occasion('evaluation.finished', data)
    expect(shown(messageOf({ event, sequenceUrl: bridge }))).toEqual({
      mood: 'warning',
      title: 'Evaluation of checkout in shop/production ended with a warning (score 83.33)',
      fields: `${place} | Result: warning | Score: 83.33 | Period: 2021-03-16 12:44:54 to 12:46:58 UTC (2 min 4 s) | build: 1.4.2`,
      table: [
        'Objective | Value | Target | Score',
        'bad: Page load | none: Unsupported SLI metric page_load. | <= +10% | 0',
        'warning: Error rate (key) | 0.4012 | = 0; warning < 1 | 0.5',
        'good: Response time P95 | 364.2 | <= +10% (392.6), < 600; warning <= 800 | 1',
        'neutral: throughput | 18484 |  | 0',
      ],
      links: `Open in the orchestrator: ${bridge} | pipeline: https://ci.example.com/runs/33`,
    })
  })

  it.each([
    [passed, { score: 92 }, 'good', 'passed (score 92)'],
    [failed, { score: 0 }, 'bad', 'failed (score 0)'],
    [{ status: 'errored', result: 'fail' }, { score: 0 }, 'bad', 'errored'],
    [{ status: 'aborted', result: 'fail' }, { score: 0 }, 'bad', 'was aborted (score 0)'],
    [{ status: 'unknown', result: 'other' }, {}, 'neutral', 'has finished'],
    // An event without a result has that of its evaluation.
    [{}, { score: '100', result: 'pass' }, 'good', 'passed (score 100)'],
  ])('describes %j with %j', (data, evaluation, mood, end) => {
    const message = messageFor('evaluation.finished', { ...data, evaluation })
    expect(message).toMatchObject({ mood, title: `Evaluation of checkout in shop/production ${end}` })
    expect(field(message, 'Result')).toBe('result' in evaluation ? evaluation.result : (data as Data)['result'])
  })

  it('omits earlier results from a triggered event', () => {
    expect(shown(messageFor('evaluation.triggered', { ...passed, evaluation }))).toEqual({
      mood: 'neutral',
      title: 'Evaluation of checkout in shop/production was triggered',
      fields: `${place} | Result so far: pass`,
      links: '',
    })
  })

  it('counts objectives beyond 20, with the worst mood', () => {
    const rows = (count: number, status: string) =>
      Array.from({ length: count }, (_, at) => ({ ...indicatorResults[0], displayName: `${status} ${at}`, status }))
    const all = { score: 1, indicatorResults: [...rows(15, 'pass'), ...rows(23, 'fail')] }
    const { table } = messageFor('evaluation.finished', { evaluation: all })
    expect(table?.rows).toHaveLength(21)
    expect(table?.rows[0]?.cells[0]).toBe('fail 0')
    expect(table?.rows[20]).toEqual({ mood: 'bad', cells: ['and 18 more', '', '', ''] })
  })

  it('is selected by the content of an event', () => {
    expect(messageFor('slo-check.finished', { ...passed, 'slo-check': evaluation }).table?.rows).toHaveLength(4)
    expect(field(messageFor('quiz.finished', { ...passed, quiz: { score: 7, players: 2 } }), 'Players')).toBe('2')
  })

  it('accepts the names of the specification', () => {
    const { table } = messageFor('evaluation.finished', { evaluation: { indicatorResults: [{ status: 'failed' }] } })
    expect(table?.rows).toEqual([{ mood: 'bad', cells: ['Unnamed', '', '', ''] }])
  })

  it('shows no length for a negative period', () => {
    const turned = { timeStart: evaluation.timeEnd, timeEnd: evaluation.timeStart }
    const message = messageFor('evaluation.finished', { evaluation: turned })
    expect(field(message, 'Period')).toBe('2021-03-16 12:46:58 to 12:44:54 UTC')
  })

  it.each([
    [1_002.6278552658177, '1003'],
    [123_456_789.4, '123456789'],
    [99.999, '100'],
    [-0.000012345678, '-0.00001235'],
    ['1.2345678e+07', '12345678'],
    ['0', '0'],
    ['1e999', ''],
    ['0x10', ''],
    [{}, ''],
    [Number.NaN, ''],
  ])('formats %j as %j', (value, text) => {
    const { table } = messageFor('evaluation.finished', { evaluation: { indicatorResults: [{ value: { value } }] } })
    expect(table?.rows[0]?.cells[1]).toBe(text)
  })
})

describe('event from the form in the README', () => {
  const readme = readFileSync(new URL('../../../functions/notification/README.md', import.meta.url), 'utf8')
  const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => yaml)
  const webhook = blocks.find((yaml) => yaml.includes('indicatorResults')) ?? ''
  const type = 'sh.keptn.event.evaluation.finished'
  const labels = { build: `It's "1" & <2>; $3 | 100 % ü`, pipeline: 'https://ci.example.com/runs/33' }

  /** Returns the event that the webhook configuration sends. */
  function sent(data: Data): CallEvent {
    const event = { id: 'e', shkeptncontext: 'c', type, data } as GoObject
    const rendered = preview(webhook, event, { secret_webhooks_token: 'token' })
    if (!('results' in rendered)) throw new Error(JSON.stringify(rendered))
    const [result] = rendered.results
    if (!result || 'refused' in result) throw new Error(result?.refused ?? 'No request')
    const body = result.argv[result.argv.indexOf('--data') + 1] ?? ''
    return parseEvent(parseCallBody(body, false, 'application/x-www-form-urlencoded'))
  }

  it('results in the same message as a JSON event', () => {
    const data = { ...checkout, status: 'succeeded', result: 'warning', message: 'Ünder\n800 ms', labels, evaluation }
    const { sloFileContent: _, ...event } = evaluation
    const expected = messageOf({
      event: parseEvent({ type, data: { ...data, evaluation: event } }),
      sequenceUrl: bridge,
    })
    expect(messageOf({ event: sent(data), sequenceUrl: bridge })).toEqual(expected)
  })

  it.each([{}, { labels: null, evaluation: { ...evaluation, indicatorResults: null } }])(
    'can lack any field',
    (data) => {
      const { title } = messageOf({ event: sent({ ...checkout, ...data }), sequenceUrl: undefined })
      expect(title).toMatch(/^Evaluation of checkout in shop\/production has finished/)
    },
  )
})
