import '../functions/aws.ts'
import { expect, test } from '@jest/globals'
import { jobRow as awsStepFunctionsJob } from '../functions/optimization/aws-step-functions/fake.ts'
import { express, id, target, testStepFunctions } from '../functions/optimization/aws-step-functions/suite.ts'
import { outcomeOf } from './outcome-of.ts'
import { send, startedProgram, startPlatform } from './platform.ts'

interface Execution {
  executionArn: string
  status: string
}

/** A state machine of the states that moto runs, which take no time. */
const definition = JSON.stringify({
  StartAt: 'Tune',
  States: {
    Tune: { Type: 'Pass', Result: { p95: 312 }, Next: 'Compare' },
    Compare: { Type: 'Choice', Choices: [{ Variable: '$.p95', NumericLessThan: 400, Next: 'Done' }], Default: 'Done' },
    Done: { Type: 'Succeed' },
  },
})

function callStates(operation: string, body: object, region = 'eu-west-1') {
  // moto finds the service and the region here.
  const authorization = `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/states/aws4_request`
  const headers = { 'content-type': 'application/x-amz-json-1.0', authorization }
  return send('POST', '/', { ...headers, 'x-amz-target': `AWSStepFunctions.${operation}` }, body)
}

/** Returns the executions of a state machine, oldest first. */
async function listExecutions(stateMachineArn: string, region?: string): Promise<Execution[]> {
  return (await callStates('ListExecutions', { stateMachineArn }, region)).executions.toReversed()
}

function create(arn: string, type: string, region?: string) {
  const roleArn = 'arn:aws:iam::123456789012:role/tune'
  return callStates('CreateStateMachine', { name: arn.split(':').at(-1), type, definition, roleArn }, region)
}

/** Sets whether moto runs its state machines. Otherwise, an execution runs until it is stopped. */
function setRunning(isRun: boolean) {
  return send('POST', '/moto-api/config', {}, { stepfunctions: { execute_state_machine: isRun } })
}

async function start() {
  await send('POST', '/moto-api/reset', {})
  await setRunning(false)
  await create(target, 'STANDARD')
  await create(express, 'EXPRESS')
  const server = await startPlatform(async () => ({ executions: await listExecutions(target) }), {})
  const newest = () => server.state.executions.at(-1)
  const stop = () => server.change(() => callStates('StopExecution', { executionArn: newest()?.executionArn }))
  return {
    server,
    connection: { region: 'eu-west-1', endpoint: server.url },
    input: { target },
    runs: () => server.state.executions.length,
    id: () => newest()?.executionArn ?? '',
    letStart: () => undefined,
    enter: (state: string) => (state === 'ABORTED' ? stop() : undefined),
    end: stop,
    finishStop: () => newest()?.status === 'ABORTED',
  }
}

const { connected } = testStepFunctions(
  { ...awsStepFunctionsJob, start, ends: 'aborted' },
  {
    states: { running: ['RUNNING'], aborted: ['ABORTED'] },
    // moto runs a state machine at once or never.
    otherStates: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'PENDING_REDRIVE'],
    unknownStates: [],
  },
)

test('Step Functions of moto: a state machine runs once for two attempts, and its output is judged', async () => {
  // After its first execution, moto runs no other one in the same region.
  const region = 'us-east-1'
  const machine = target.replace('eu-west-1', region)
  await setRunning(true)
  await create(machine, 'STANDARD', region)
  const job = connected({ region, endpoint: startedProgram().url })
  const input = { target: machine, thresholds: [{ metric: 'p95', op: '<', value: 400 }] }
  for (const isRetry of [false, true]) {
    const started = await job.start(input, { isRetry })
    const expected = { status: 'succeeded', result: 'pass', data: { output: { p95: 312 } } }
    expect(await outcomeOf(() => job.poll(started, input))).toMatchObject(expected)
  }
  expect(await listExecutions(machine, region)).toHaveLength(1)
  expect((await job.stop({ id: id.replace('eu-west-1', region) })).message).toMatch(/had ended already \(SUCCEEDED\)$/)
})
