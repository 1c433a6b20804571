import assert from 'node:assert/strict'
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { Service, until } from '../e2e/service.ts'
import type { Checks } from './program.ts'

const prefix = 'cloud-automation-webhooks'
/** After its first execution, moto runs no other one in the same region. */
const regions = { pass: 'eu-west-1', fail: 'eu-west-2', refused: 'eu-central-1', stopped: 'eu-north-1' }
const MAX_SECONDS = 60

/** The bundles that ship, invoked with the task tokens of state machines that moto runs. */
export async function taskTokenChecks(endpoint: string): Promise<Checks> {
  const service = await new Service({ timeScale: 20, secrets: secretsFor(endpoint) }).start()
  const lambda = service.lambdaClient()
  const taskOf = async (taskId: string) =>
    (await service.call(`/v1/ci-cd/tasks/${taskId}`, undefined, { method: 'GET' })).body
  const build = (caller: string, taskToken: string, parameters: object = {}) => {
    const input = { target: 'build.yml', parameters }
    return invoke(lambda, 'ci-cd-webhook', { action: 'trigger-build', caller, taskToken, heartbeat: true, input })
  }

  return {
    close: () => service.end(),
    tests: {
      async 'a state with a task token gets the outcome as its output, and the execution succeeds'() {
        const { taskToken, end } = await startExecution(endpoint, regions.pass)
        const { taskId } = await build(regions.pass, taskToken)
        assert.match(taskId, /^[0-9a-f]{40}$/)
        const { status, output = '{}' } = await end()
        assert.equal(status, 'SUCCEEDED')
        const result = JSON.parse(output)
        assert.deepEqual([result.taskId, result.verdict, result.action], [taskId, 'pass', 'trigger-build'])
        assert.doesNotMatch(service.output, /heartbeat not sent|answer unwanted/)
      },
      async 'a build that fails is the error Webhooks.Failed, which the state machine catches'() {
        const { taskToken, end } = await startExecution(endpoint, regions.fail)
        await build(regions.fail, taskToken, { outcome: 'fail' })
        const { status, error } = await end()
        assert.deepEqual([status, error], ['FAILED', 'DeploymentFailed'])
      },
      async 'a request that the platform refuses is the error Webhooks.Errored, and the execution fails'() {
        await service.fault({ target: 'github', kind: '401' })
        const { taskToken, end } = await startExecution(endpoint, regions.refused)
        await build(regions.refused, taskToken)
        const { status, error } = await end()
        await service.clearFaults()
        assert.deepEqual([status, error], ['FAILED', 'Webhooks.Errored'])
      },
      async 'the task records that a stopped execution does not want its answer'() {
        const { taskToken, stop, end } = await startExecution(endpoint, regions.stopped)
        const { taskId } = await build(regions.stopped, taskToken)
        await stop()
        await end()
        await service.until(async () => (await taskOf(taskId)).state === 'finished', 'the end of the task')
        const { verdict, unanswered } = await taskOf(taskId)
        assert.deepEqual([verdict, unanswered], ['pass', 'unwanted'])
      },
    },
  }
}

/** Lets moto run its state machines. */
async function runStateMachines(endpoint: string): Promise<void> {
  const body = JSON.stringify({ stepfunctions: { execute_state_machine: true } })
  const headers = { 'content-type': 'application/json' }
  assert.ok((await fetch(`${endpoint}/moto-api/config`, { method: 'POST', headers, body })).ok)
}

/** Each region has a caller and an orchestrator of its name. */
function secretsFor(endpoint: string): Record<string, unknown> {
  const names = Object.values(regions)
  const secretOf = (region: string) => ({ type: 'step-functions', region, endpoint })
  return {
    ...Object.fromEntries(names.map((region) => [`${prefix}/orchestrators/${region}`, secretOf(region)])),
    [`${prefix}/callers`]: {
      reader: { tokens: [tokenHash(demo.callerToken)], categories: ['*'], reads: 'all' },
      ...Object.fromEntries(names.map((name) => [name, { categories: ['ci-cd'], orchestrator: name }])),
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the tests read properties of any result.
async function invoke(lambda: LambdaClient, name: string, payload: object): Promise<any> {
  const { FunctionError, Payload = new Uint8Array() } = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }),
  )
  const text = new TextDecoder().decode(Payload)
  assert.equal(FunctionError, undefined, text)
  return JSON.parse(text)
}

/** Starts an execution, and waits until its state has sent its task token to a queue. */
async function startExecution(endpoint: string, region: string) {
  const states = new SFNClient({ endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } })
  await runStateMachines(endpoint)
  const { QueueUrl: queue } = await sqs(endpoint, region, 'CreateQueue', { QueueName: 'tokens' })
  const { stateMachineArn } = await states.send(
    new CreateStateMachineCommand({
      name: 'release',
      definition: JSON.stringify(definition(queue)),
      roleArn: 'arn:aws:iam::123456789012:role/release',
    }),
  )
  const { executionArn } = await states.send(new StartExecutionCommand({ stateMachineArn, name: 'release-1' }))
  let taskToken = ''
  await until(
    async () => {
      const { Messages: [message] = [] } = await sqs(endpoint, region, 'ReceiveMessage', { QueueUrl: queue })
      taskToken = message === undefined ? '' : JSON.parse(message.Body).taskToken
      return taskToken !== ''
    },
    MAX_SECONDS,
    () => 'the task token',
  )
  const describe = () => states.send(new DescribeExecutionCommand({ executionArn }))
  return {
    taskToken,
    stop: () => states.send(new StopExecutionCommand({ executionArn })),
    async end() {
      await until(
        async () => (await describe()).status !== 'RUNNING',
        MAX_SECONDS,
        () => 'the end of the execution',
      )
      return describe()
    },
  }
}

function definition(queue: string): object {
  return {
    StartAt: 'Deploy',
    States: {
      Deploy: {
        Type: 'Task',
        // It stands for lambda:invoke, because moto runs functions in containers.
        Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
        TimeoutSeconds: 10_800,
        HeartbeatSeconds: 900,
        Parameters: { QueueUrl: queue, MessageBody: { 'taskToken.$': '$$.Task.Token' } },
        Catch: [{ ErrorEquals: ['Webhooks.Failed'], Next: 'Rollback' }],
        End: true,
      },
      Rollback: { Type: 'Fail', Error: 'DeploymentFailed' },
    },
  }
}

/** Sends a request to SQS, whose client is not a dependency. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
async function sqs(endpoint: string, region: string, operation: string, body: object): Promise<any> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
      // moto finds the service and the region here.
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/sqs/aws4_request`,
    },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  assert.ok(response.ok, text)
  return JSON.parse(text)
}
