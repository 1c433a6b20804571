import '../functions/aws.ts'
import assert from 'node:assert/strict'
import { CreateStateMachineCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn'
import { actions } from '../../functions/optimization/actions.ts'
import { awsStepFunctions } from '../../functions/optimization/providers/aws-step-functions.ts'
import { keyOf } from '../functions/client.ts'
import { Job } from '../functions/job.ts'
import { fails } from './failures.ts'
import { outcomeOf } from './outcome-of.ts'
import type { Checks } from './program.ts'

const region = 'us-east-1'
const arn = `arn:aws:states:${region}:123456789012`
const roleArn = 'arn:aws:iam::123456789012:role/tune'
/** A state machine of the states that moto runs, which take no time. */
const definition = JSON.stringify({
  StartAt: 'Tune',
  States: {
    Tune: { Type: 'Pass', Result: { p95: 312 }, Next: 'Compare' },
    Compare: { Type: 'Choice', Choices: [{ Variable: '$.p95', NumericLessThan: 400, Next: 'Done' }], Default: 'Done' },
    Done: { Type: 'Succeed' },
  },
})

/** Sets whether moto runs its state machines. */
export async function runStateMachines(endpoint: string, isRun: boolean): Promise<void> {
  const body = JSON.stringify({ stepfunctions: { execute_state_machine: isRun } })
  const headers = { 'content-type': 'application/json' }
  assert.ok((await fetch(`${endpoint}/moto-api/config`, { method: 'POST', headers, body })).ok)
}

/** The provider as it ships, on the API of Step Functions. */
export function stepFunctionsChecks(endpoint: string): Checks['tests'] {
  const states = new SFNClient({ endpoint, region })
  const models = { start: actions['start-model'], stop: actions['stop-model'] }
  const job = new Job(awsStepFunctions, models, () => ({ endpoint, region }))
  /** In moto a state machine either is never left, or is run: each has machines of its own. */
  const create = async (name: string, isRun: boolean) => {
    await runStateMachines(endpoint, isRun)
    await states.send(new CreateStateMachineCommand({ name, definition, roleArn }))
    return { target: `${arn}:stateMachine:${name}`, id: `${arn}:execution:${name}:${keyOf(1)}` }
  }
  const executionsOf = async (stateMachineArn: string) =>
    (await states.send(new ListExecutionsCommand({ stateMachineArn }))).executions ?? []

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
        const started = await job.start(input, { isRetry })
        const { status, result, message, data } = await outcomeOf(() => job.poll(started, input))
        assert.deepEqual([status, result, data['output']], ['succeeded', 'pass', { p95: 312 }], message)
      }
      assert.equal((await executionsOf(target)).length, 1)
      assert.match((await job.stop({ id })).message, /had ended already \(SUCCEEDED\)$/)
    },
    async 'Step Functions describes a missing resource in its own words'() {
      await fails(job.start({ target: `${arn}:stateMachine:nothing` }), /Does Not Exist: '/)
      await fails(job.stop({ id: `${arn}:execution:tune:1` }), /Does Not Exist: '/)
    },
  }
}
