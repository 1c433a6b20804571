import '../functions/aws.ts'
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateStateMachineCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn'
import { actions } from '../../functions/optimization/actions.ts'
import { awsStepFunctions } from '../../functions/optimization/providers/aws-step-functions.ts'
import type { Outcome } from '../../shared/outcome.ts'
import type { StartedJob } from '../../shared/providers/action.ts'
import { failureOf, keyOf } from '../functions/client.ts'
import { Job } from '../functions/job.ts'
import type { Checks } from './program.ts'

const region = 'us-east-1'
const arn = `arn:aws:states:${region}:123456789012`
const roleArn = 'arn:aws:iam::123456789012:role/tune'
/** Of the states that moto runs, which take no time. */
const definition = JSON.stringify({
  StartAt: 'Tune',
  States: {
    Tune: { Type: 'Pass', Result: { p95: 312 }, Next: 'Compare' },
    Compare: { Type: 'Choice', Choices: [{ Variable: '$.p95', NumericLessThan: 400, Next: 'Done' }], Default: 'Done' },
    Done: { Type: 'Succeed' },
  },
})
const MAX_POLLS = 50

/** The provider as it ships, on the API of Step Functions. */
export function stepFunctionsChecks(endpoint: string): Checks['tests'] {
  const states = new SFNClient({ endpoint, region })
  const job = new Job(awsStepFunctions, { start: actions['start-model'], stop: actions['stop-model'] }, () => ({
    endpoint,
    region,
  }))
  /** In moto a state machine either is never left, or is run: each has machines of its own. */
  const create = async (name: string, isRun: boolean) => {
    const body = JSON.stringify({ stepfunctions: { execute_state_machine: isRun } })
    const headers = { 'content-type': 'application/json' }
    assert.ok((await fetch(`${endpoint}/moto-api/config`, { method: 'POST', headers, body })).ok)
    await states.send(new CreateStateMachineCommand({ name, definition, roleArn }))
    return { target: `${arn}:stateMachine:${name}`, id: `${arn}:execution:${name}:${keyOf(1)}` }
  }
  const executionsOf = async (stateMachineArn: string) =>
    (await states.send(new ListExecutionsCommand({ stateMachineArn }))).executions ?? []
  const endOf = async (started: StartedJob, input: object): Promise<Outcome> => {
    for (let polls = 0; polls < MAX_POLLS; polls++) {
      const seen = await job.poll(started, input)
      if ('outcome' in seen) return seen.outcome
      await sleep(100)
    }
    throw new Error(`It has not ended after ${MAX_POLLS} polls.`)
  }

  return {
    async 'Step Functions starts one execution for two attempts, and stops it'() {
      const { target, id } = await create('search', false)
      for (const isRetry of [false, true]) {
        const started = await job.start({ target }, { isRetry })
        assert.equal(started.outcome.data['id'], id)
        assert.ok('status' in (await job.poll(started, { target })))
      }
      assert.equal((await executionsOf(target)).length, 1)
      assert.match((await job.stop({ id })).message, /^Stopped .+ \(ABORTED\)$/)
    },
    async 'Step Functions runs a state machine, whose output is judged, and not again at a repeat'() {
      const { target, id } = await create('tune', true)
      const input = { target, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
      for (const isRetry of [false, true]) {
        const { status, result, message, data } = await endOf(await job.start(input, { isRetry }), input)
        assert.deepEqual([status, result, data['output']], ['succeeded', 'pass', { p95: 312 }], message)
      }
      assert.equal((await executionsOf(target)).length, 1)
      assert.match((await job.stop({ id })).message, /had ended already \(SUCCEEDED\)$/)
    },
    async 'Step Functions says in its own words that there is no such thing'() {
      const failures = [
        job.start({ target: `${arn}:stateMachine:nothing` }),
        job.stop({ id: `${arn}:execution:tune:1` }),
      ]
      for (const { kind, message } of await Promise.all(failures.map(failureOf))) {
        assert.equal(kind, 'refused')
        assert.match(message, /Does Not Exist: '/)
      }
    },
  }
}
