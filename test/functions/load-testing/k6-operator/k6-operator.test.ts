import { expect, test } from '@jest/globals'
import { k6Operator } from '../../../../functions/load-testing/k6-operator/k6-operator.ts'
import { jobConformance, withState } from '../../../conformance/job.ts'
import { keyOf } from '../../helpers.ts'
import { loadTestActions } from '../../job-actions.ts'
import { jobRow } from './fake.ts'

const input = { target: 'checkout/test.js' }

const { server, connected } = jobConformance(k6Operator, loadTestActions, jobRow, {
  states: {
    running: ['pending', 'initialization', 'initialized', 'created', 'started'],
    pass: ['finished'],
    errored: ['error'],
    aborted: ['stopped', 'Deleted'],
  },
  unsupported: ['project'],
  invalidStarts: [
    { name: 'no file', input: { target: 'checkout' }, message: 'input.target must be <config map>/<file>' },
    {
      name: 'an invalid name',
      input: { parameters: { 'a-b': 'x' } },
      message: 'input.parameters.a-b is not a valid name',
    },
  ],
  forbidden: [
    {
      name: 'another script',
      input: { target: 'wipe/test.js' },
      message: 'is not in scripts',
      connection: { scripts: ['checkout/*'] },
    },
    { name: 'an option of k6', input: { parameters: { K6_OUT: 'x' } }, message: 'input.parameters.K6_OUT' },
  ],
  failedChecks: [
    { reason: 'may not list jobs in the namespace shop', change: withState({ missing: ['list jobs'] }) },
    { reason: '404 page not found', change: withState({ installed: false }) },
  ],
  measures: { end: ({ enter }) => enter('finished'), metrics: { duration: 300 } },
  invalidIds: { ids: ['checkout', 'wh-', 'wh-x/y'], message: 'must be the name of a test run that a call has created' },
})

test('k6 operator starts a test run with parameters as environment variables of the runners', async () => {
  const fields = { parallelism: 4, image: 'acme/k6', serviceAccount: 'k6', arguments: '--tag stage=dev' }
  await connected(fields).start({ ...input, parameters: { URL: 'https://shop.example.com/$(TOKEN)' } })
  expect(server.state.runs[0]).toMatchObject({
    metadata: { name: `wh-${keyOf(1)}` },
    spec: {
      parallelism: 4,
      script: { configMap: { name: 'checkout', file: 'test.js' } },
      arguments: '--tag stage=dev',
      runner: {
        image: 'acme/k6',
        serviceAccountName: 'k6',
        env: [{ name: 'URL', value: 'https://shop.example.com/$$(TOKEN)' }],
      },
    },
  })
})

test.each([
  [[0, 0], 'succeeded', 'pass', ''],
  [[0, 99], 'succeeded', 'fail', 'k6 ended with 99: thresholds of the script were crossed'],
  [[110], 'succeeded', 'fail', 'k6 ended with 110: the script marked the test as failed'],
  [[105, 99], 'succeeded', 'fail', 'k6 ended with 99'],
  [[105], 'aborted', 'fail', 'k6 ended with 105: the test was interrupted'],
  [[108], 'aborted', 'fail', 'k6 ended with 108: the script aborted the test'],
  [[99, 107], 'errored', 'fail', 'Exit code 107: level=error'],
  [[], 'errored', 'fail', 'The jobs of its runners no longer exist'],
])('k6 operator ends runners with the exit codes %j as %s, %s', async (exitCodes, status, result, words) => {
  server.state.exitCodes = exitCodes
  const started = await connected().start(input)
  server.enter('finished')
  const outcome = await connected().end(started, input)
  expect(outcome).toMatchObject({ status, result, message: expect.stringContaining(words) })
})
