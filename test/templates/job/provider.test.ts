import { expect } from '@jest/globals'
import { startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { jobConformance } from '../../conformance/job.ts'
import { keyOf } from '../../functions/helpers.ts'
import { type AcmeServer, jobRow } from './fake.ts'
import { acme } from './provider.ts'

const actions = {
  start: startJob({ summary: 'Starts', silent: 'answers' }),
  stop: stopJob({ summary: 'Stops' }),
}

type Change = Parameters<AcmeServer['become']>[1]

/** Changes the first run. */
const become = (change: Change) => (server: AcmeServer) => server.become('1', change)

jobConformance(acme, actions, jobRow, {
  states: {
    running: ['queued', 'running'],
    pass: ['succeeded'],
    warning: ['partial'],
    fail: ['failed'],
    errored: ['lost'],
    aborted: ['cancelled'],
  },
  url: 'https://acme.example.com/runs/1',
  sends: [
    { name: 'its parameters and the key', request: { body: { arguments: { month: '2026-11' }, ref: keyOf(1) } } },
  ],
  invalidStarts: [{ name: 'a version', input: { ref: 'main' }, message: 'input.ref is not supported' }],
  refused: [{ name: 'a job that does not exist', input: { target: 'not/there' }, reason: 'unknown job' }],
  reports: [
    { name: 'its progress', change: become({ progress: 'page 2 of 5' }), reported: { progress: 'page 2 of 5' } },
    {
      name: 'its results and why it failed',
      change: become({ status: 'failed', error: { message: 'no paper' }, results: { pages: 5 } }),
      reported: { message: expect.stringContaining('no paper'), data: { results: { pages: 5 } } },
    },
  ],
  measures: {
    end: become({ status: 'succeeded', results: { pages: 5 } }),
    metrics: { pages: 5 },
    data: { results: { pages: 5 } },
  },
})
