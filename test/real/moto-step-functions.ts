import '../functions/aws.ts'
import assert from 'node:assert/strict'
import { CreateStateMachineCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn'
import { actions } from '../../functions/optimization/actions.ts'
import { awsStepFunctions } from '../../functions/optimization/providers/aws-step-functions.ts'
import { keyOf } from '../functions/client.ts'
import { Job } from '../functions/job.ts'
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

/** Lets moto run its state machines. */
export async function runStateMachines(endpoint: string): Promise<void> {
  const body = JSON.stringify({ stepfunctions: { execute_state_machine: true } })
  const headers = { 'content-type': 'application/json' }
  assert.ok((await fetch(`${endpoint}/moto-api/config`, { method: 'POST', headers, body })).ok)
}

/** The provider as it ships, on the API of Step Functions. */
export function stepFunctionsChecks(endpoint: string): Checks['tests'] {
  const states = new SFNClient({ endpoint, region })
  const models = { start: actions['start-model'], stop: actions['stop-model'] }
  const job = new Job(awsStepFunctions, models, () => ({ endpoint, region }))
  const executionsOf = async (stateMachineArn: string) =>
    (await states.send(new ListExecutionsCommand({ stateMachineArn }))).executions ?? []

  return {
    async 'Step Functions runs a state machine, whose output is judged, and not again at a repeat'() {
      const target = `${arn}:stateMachine:tune`
      const id = `${arn}:execution:tune:${keyOf(1)}`
      await runStateMachines(endpoint)
      await states.send(new CreateStateMachineCommand({ name: 'tune', definition, roleArn }))
      const input = { target, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
      for (const isRetry of [false, true]) {
        const started = await job.start(input, { isRetry })
        const { status, result, message, data } = await outcomeOf(() => job.poll(started, input))
        assert.deepEqual([status, result, data['output']], ['succeeded', 'pass', { p95: 312 }], message)
      }
      assert.equal((await executionsOf(target)).length, 1)
      assert.match((await job.stop({ id })).message, /had ended already \(SUCCEEDED\)$/)
    },
  }
}
