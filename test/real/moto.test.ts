import '../functions/aws.ts'
import { express, target, testStepFunctions } from '../functions/optimization/aws-step-functions.ts'
import { awsStepFunctionsJob } from '../platforms/aws-step-functions.ts'
import { send, startPlatform } from './platform.ts'

interface Execution {
  executionArn: string
  name: string
  status: string
  startDate: number
}

// moto finds the service and the region here.
const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/states/aws4_request'
const roleArn = 'arn:aws:iam::123456789012:role/tune'
const definition = JSON.stringify({ StartAt: 'Tune', States: { Tune: { Type: 'Succeed' } } })

function callStates(operation: string, body: object) {
  const headers = { 'content-type': 'application/x-amz-json-1.0', authorization }
  return send('POST', '/', { ...headers, 'x-amz-target': `AWSStepFunctions.${operation}` }, body)
}

async function readExecutions(): Promise<{ executions: Execution[] }> {
  const { executions } = await callStates('ListExecutions', { stateMachineArn: target })
  return { executions: executions.toReversed() }
}

/** Starts state machines whose executions run until they are stopped. */
async function start() {
  await send('POST', '/moto-api/reset', {})
  await send('POST', '/moto-api/config', {}, { stepfunctions: { execute_state_machine: false } })
  for (const [arn, type] of [
    [target, 'STANDARD'],
    [express, 'EXPRESS'],
  ] as const)
    await callStates('CreateStateMachine', { name: arn.split(':').at(-1), type, definition, roleArn })
  const server = await startPlatform(readExecutions, {})
  const newest = () => server.state.executions.at(-1)
  const stop = () => server.change(() => callStates('StopExecution', { executionArn: newest()?.executionArn }))
  return {
    server,
    connection: { region: 'eu-west-1', endpoint: server.url },
    input: { target },
    runs: () => server.state.executions.length,
    id: () => newest()?.executionArn ?? '',
    hasStarted: () => undefined,
    enter: (state: string) => (state === 'ABORTED' ? stop() : undefined),
    end: stop,
    hasStopped: () => newest()?.status === 'ABORTED',
  }
}

testStepFunctions(
  { ...awsStepFunctionsJob, start, ends: 'aborted' },
  {
    states: { running: ['RUNNING'], aborted: ['ABORTED'] },
    // An execution of moto does not leave its first state, or has ended at once.
    otherStates: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'PENDING_REDRIVE'],
    unknownStates: [],
  },
)
