import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { jobConformance } from '../../conformance/job.ts'
import { failureOf, keyOf } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'
import { acme } from './provider.ts'
import { type AcmeServer, startAcme } from './server.ts'

let server: AcmeServer
beforeEach(async () => {
  server = await startAcme()
})
afterEach(() => server.close())

const actions = {
  start: startJob({ summary: 'Starts', silent: 'answers' }),
  stop: stopJob({ summary: 'Stops' }),
}
const job = new Job(acme, actions, () => ({ baseUrl: server.url, token: server.token }))
const input = { target: 'report', parameters: { month: '2026-11' } }

describe('A run of Acme', () => {
  test('is started and returns its URL', async () => {
    const { outcome } = await job.start(input)
    expect(outcome.data).toMatchObject({ id: '1', url: 'https://acme.example.com/runs/1' })
    expect(server.calls.at(-1)?.body).toEqual({ arguments: { month: '2026-11' }, ref: keyOf(1) })
  })

  test('reports its progress, its results and why it failed', async () => {
    const started = await job.start(input)
    server.become('1', { status: 'running', progress: 'page 2 of 5' })
    expect(await job.poll(started, input)).toMatchObject({ progress: 'page 2 of 5' })
    server.become('1', { status: 'failed', error: { message: 'no paper' }, results: { pages: 5 } })
    const { message, data } = await job.end(started, input)
    expect(message).toContain('no paper')
    expect(data).toMatchObject({ results: { pages: 5 } })
  })

  test('is compared with thresholds', async () => {
    const limited = { ...input, thresholds: [{ metric: 'pages', op: '>', value: 10 }] }
    const ended = job.endAfter(limited, () => server.become('1', { status: 'succeeded', results: { pages: 5 } }))
    expect(await ended).toMatchObject({ status: 'succeeded', result: 'fail' })
  })

  test('of a job that does not exist is rejected with the reason of Acme', async () => {
    const failure = await failureOf(job.start({ target: 'not/there' }))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('unknown job') })
  })
})

jobConformance(
  acme,
  actions,
  {
    known: 'look-up',
    starts: /^POST .*\/runs$/,
    async start() {
      const server = await startAcme()
      const id = () => String(server.runs.length)
      const enter = (status: string) => server.become(id(), { status })
      return {
        ...{ server, connection: { baseUrl: server.url, token: server.token }, input },
        ...{ runs: () => server.runs.length, id, enter },
        hasStarted: () => enter('running'),
        end: () => enter('succeeded'),
        hasStopped: () => server.runs.at(-1)?.status === 'cancelled',
      }
    },
  },
  {
    states: {
      running: ['queued', 'running'],
      pass: ['succeeded'],
      warning: ['partial'],
      fail: ['failed'],
      errored: ['lost'],
      aborted: ['cancelled'],
    },
    invalidStarts: [['a version', { ref: 'main' }, 'input.ref is not supported']],
  },
)
