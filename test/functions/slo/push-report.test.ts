import { describe, expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { actions } from '../../../functions/slo/actions.ts'
import { serve } from '../../../infra/testing/loopback-server.ts'
import { url } from '../../../shared/fields.ts'
import { parseEvent } from '../../../shared/orchestrators/event/event.ts'
import { completeInput } from '../../../shared/providers/action.ts'
import { defineReportProvider } from '../../../shared/providers/report.ts'
import { expectFailure } from '../helpers.ts'
import { evaluated } from './drive.ts'
import { play } from './play.ts'

const board = defineReportProvider({
  title: 'Board',
  connection: z.strictObject({ baseUrl: url('The URL') }),
  check: ({ http }) => http.get('me'),
  supportedFields: ['channel', 'fields'],
  async report({ http }, to, report) {
    const { body } = await http.post('notes', { to, report }, { schema: z.object({ id: z.string(), url: z.string() }) })
    return { ...body, summary: `note ${body.id}` }
  },
})
const { server, push } = play(board, {
  start: () => serve(() => ({ status: 201, body: { id: '7', url: 'https://board.example.com/7' } })),
  connection: ({ url }) => ({ baseUrl: url }),
})
const sent = () => server.calls[0]?.body as { to: object; report: Record<string, Record<string, unknown>> }

describe('push-report', () => {
  test('reports the evaluation of a finished event', async () => {
    expect(await push({ input: { channel: 'wall', fields: { colour: 'red' } } })).toEqual({
      status: 'succeeded',
      result: 'pass',
      message: 'Reported "Evaluation of checkout in shop/production ended with a warning (score 75)" to Board: note 7',
      data: { id: '7', url: 'https://board.example.com/7' },
      links: { 'board report': 'https://board.example.com/7' },
    })
    expect(sent().to).toEqual({ channel: 'wall', fields: { colour: 'red' } })
    expect(sent().report['evaluation']).toEqual(evaluated)
    expect(sent().report['event']).toEqual({
      id: '6f1b7e1c-0f0e-4a53-9f62-6b0a0d9b2a11',
      task: 'evaluation',
      shkeptncontext: '0f4a9d0e-51a1-4d3e-8f6b-0f6a0d1f8c11',
      project: 'shop',
      stage: 'production',
      service: 'checkout',
      status: 'succeeded',
      labels: { team: 'shop' },
    })
  })

  test.each([
    [
      'of a task with another name',
      { evaluation: undefined, 'check-slo': evaluated },
      'sh.keptn.event.check-slo.finished',
    ],
    [
      'of an earlier task of its sequence',
      { evaluation: { ...evaluated, score: 95, scoreText: '75' } },
      'sh.keptn.event.notify.triggered',
    ],
    [
      'of a silent call',
      { evaluation: { responses: [{ status: 'succeeded', data: evaluated }] } },
      'sh.keptn.event.evaluation.finished',
    ],
  ])('reports an evaluation %s', async (_, data, type) => {
    const event = parseEvent({ id: 'an-event', type, data: { project: 'shop', result: 'warning', ...data } })
    const from = { event, connection: {}, provider: board as never }
    const { report } = await completeInput(actions['push-report'], {}, from)
    expect(report.evaluation).toMatchObject({ score: 75, result: 'warning' })
    expect(report.message.table?.rows).toHaveLength(2)
  })

  test("reports the result and score in the quick start's payload", async () => {
    const event = parseEvent({
      event: 'sh.keptn.event.evaluation.finished',
      service: 'shop',
      result: 'pass (90 / 100)',
    })
    const from = { event, connection: {}, provider: board as never }
    const { report } = await completeInput(actions['push-report'], {}, from)
    expect(report.evaluation).toEqual({ score: 90, result: 'pass' })
    expect(report.message.title).toBe('Evaluation of shop passed (score 90)')
  })

  test('uses the result of the event if the evaluation has none', async () => {
    await push({ data: { evaluation: { score: 40 }, result: 'fail' } })
    expect(sent().report['evaluation']).toEqual({ score: 40, result: 'fail' })
  })

  test.each([
    ['no evaluation', {}, { evaluation: undefined }, 'data.evaluation is missing: send an evaluation.finished event'],
    ['an evaluation without a result', {}, { evaluation: { score: 1 }, result: undefined }, 'data.evaluation is'],
    ['an unsupported input', { ref: 'abc' }, {}, 'input.ref is'],
    ['an unknown input', { chanel: 'x' }, {}, 'input.chanel is not a known field. Did you mean "channel"?'],
  ])('refuses %s before anything is sent', async (_, input, data, says) => {
    await expectFailure(push({ input, data }), 'invalid', says)
    expect(server.calls).toEqual([])
  })
})
