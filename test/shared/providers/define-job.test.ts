import { expect, test } from '@jest/globals'
import * as z from 'zod/mini'
import { refused } from '../../../shared/errors.ts'
import { defineJob, type RunResults } from '../../../shared/providers/define-job.ts'
import { startJob } from '../../../shared/providers/start-job.ts'
import { stopJob } from '../../../shared/providers/stop-job.ts'
import { expectFailure } from '../../functions/helpers.ts'
import { Job } from '../../functions/job.ts'

const actions = { start: startJob({ summary: 'Starts', silent: 'waits' }), stop: stopJob({ summary: 'Stops' }) }

/** Returns a job whose runs are in a state. */
function inState(state: string, results: () => RunResults, refusedStop?: Error) {
  const provider = defineJob({
    title: 'Acme',
    noun: 'run',
    connection: z.strictObject({ baseUrl: z.string(), target: z.optional(z.string()) }),
    check: async () => undefined,
    states: { running: 'running', ending: 'running', done: 'pass' },
    stopping: ['ending'],
    runId: { pattern: /^\d+$/, description: 'a number' },
    identify: (run: { id: string }) => run,
    start: async () => ({ id: 'seven' }),
    getStatus: async () => ({ state, results }),
    async stop() {
      if (refusedStop) throw refusedStop
    },
  })
  return new Job(provider, actions, () => ({ baseUrl: 'http://localhost' }))
}

test('The reasons of a run are joined without the empty ones, and cut', async () => {
  const job = inState('done', () => ({ reasons: ['no paper', undefined, '', 'x'.repeat(600)] }))
  const { message } = await job.end(await job.start({ target: 'report' }), { target: 'report' })
  expect(message).toMatch(/^Run seven ended as done: no paper; x+…$/)
  expect(message).toHaveLength('Run seven ended as done: '.length + 500)
})

test('A refused stop passes for a run that is stopping, and its results are not read', async () => {
  const results = () => {
    throw new Error('The results were read.')
  }
  expect((await inState('ending', results, refused('It is too late.')).stop({ id: '7' })).message).toBe('still ending')
  await expectFailure(inState('running', results, refused('It is too late.')).stop({ id: '7' }), 'refused', 'too late')
})

test('A run is polled even if a stop would refuse its id', async () => {
  const job = inState('done', () => ({}))
  expect((await job.end(await job.start({ target: 'report' }), { target: 'report' })).data).toMatchObject({
    id: 'seven',
  })
  await expectFailure(job.stop({ id: 'seven' }), 'invalid', 'input.id must be a number')
})
