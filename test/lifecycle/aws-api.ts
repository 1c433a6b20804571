import type { TestResult } from '@aws/durable-execution-sdk-js-testing'
import type { Call, Reply } from '../../infra/testing/loopback-server.ts'
import type { Task } from '../../shared/core/call.ts'
import type { Execution } from './execution.ts'

export const TASK_FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:task'

interface Invocation {
  functionName: string
  name: string
  payload: Task
  /** Epoch milliseconds. */
  startedAt: number
}

/** The APIs of Lambda and Secrets Manager, for the functions of a test. */
export class AwsApi {
  readonly secrets = new Map<string, unknown>()
  readonly invocations: Invocation[] = []
  /** The running executions. */
  readonly executions = new Set<Execution<unknown>>()
  /** The ended executions by ARN. */
  readonly ended = new Map<string, { payload: object; result: TestResult<unknown> }>()
  /** The end of each task by its id. */
  readonly ends = new Map<string, { at: number; result: TestResult<unknown> }>()

  /** Responds to a request of the AWS SDK. */
  async answer({ path, query, headers, body, text }: Call): Promise<Reply> {
    const target = String(headers['x-amz-target'] ?? '')
    if (target.endsWith('GetSecretValue')) {
      const value = this.secrets.get((body as { SecretId: string }).SecretId)
      if (value === undefined) return { status: 400, body: { __type: 'ResourceNotFoundException' } }
      return { status: 200, body: { SecretString: JSON.stringify(value) } }
    }
    if (target.endsWith('ListSecrets')) return { status: 200, body: { SecretList: [] } }
    const [, functionName] = /\/functions\/(.+)\/invocations$/.exec(path) ?? []
    if (functionName !== undefined)
      return this.#invoke(functionName, String(headers['x-amz-durable-execution-name']), text)
    if (/\/functions\/.+\/durable-executions$/.test(path)) {
      const found = this.invocations.filter(({ name }) => name === query.get('DurableExecutionName'))
      return {
        status: 200,
        body: { DurableExecutions: found.map((started) => this.#describe(arnOf(started.name), started)) },
      }
    }
    const [, callbackId = '', arn = '', resource] =
      /callbacks\/(.+)\/succeed$|durable-executions\/(arn:.+?)(\/history)?$/.exec(path) ?? []
    if (callbackId !== '') return this.#completeCallback(callbackId, text)
    const ended = this.ended.get(arn)
    const running = this.invocations.find(({ name }) => arn === arnOf(name))
    if (!ended && running)
      return { status: 200, body: resource ? this.#historyOf(running) : this.#describe(arn, running) }
    if (!ended) return awsError(404, 'ResourceNotFoundException')
    const { payload, result } = ended
    if (resource === '/history') return { status: 200, body: toWire({ Events: result.getHistoryEvents() }) }
    const error = result.getStatus() === 'FAILED' ? { ErrorMessage: result.getError().errorMessage } : undefined
    return { status: 200, body: { DurableExecutionArn: arn, InputPayload: JSON.stringify(payload), Error: error } }
  }

  #invoke(functionName: string, name: string, text: string): Reply {
    const earlier = this.invocations.find((started) => started.name === name && started.functionName === functionName)
    if (!earlier) this.invocations.push({ functionName, name, payload: JSON.parse(text), startedAt: Date.now() })
    else if (JSON.stringify(earlier.payload) !== text) return awsError(409, 'DurableExecutionAlreadyStartedException')
    return { status: 202, headers: { 'x-amz-durable-execution-arn': arnOf(name) } }
  }

  /** Describes the execution of an invocation, as GetDurableExecution does. */
  #describe(arn: string, { name, payload, startedAt }: Invocation): object {
    const InputPayload = JSON.stringify(payload)
    const execution = { DurableExecutionArn: arn, StartTimestamp: startedAt / 1_000, InputPayload }
    const end = this.ends.get(name)
    if (!end) return { ...execution, Status: 'RUNNING' }
    const Status = end.result.getStatus()
    const ended = { ...execution, Status, EndTimestamp: end.at / 1_000 }
    return Status === 'SUCCEEDED' ? { ...ended, Result: JSON.stringify(end.result.getResult()) } : ended
  }

  /** Returns the history of an execution that has ended. That of a running one is empty. */
  #historyOf({ name }: Invocation): unknown {
    return toWire({ Events: this.ends.get(name)?.result.getHistoryEvents() ?? [] })
  }

  async #completeCallback(id: string, result: string): Promise<Reply> {
    for (const execution of this.executions)
      if (await execution.completeCallback(id, result)) return { status: 200, body: {} }
    return awsError(400, 'CallbackTimeoutException')
  }
}

/** Returns the ARN of a running execution. */
function arnOf(name: string): string {
  return `${TASK_FUNCTION}:1/durable-execution/${name}/x`
}

function awsError(status: number, type: string): Reply {
  return { status, headers: { 'x-amzn-errortype': type }, body: { Type: type, Message: type } }
}

/** Converts dates to epoch seconds, as Lambda does. */
function toWire(value: unknown): unknown {
  if (Object.prototype.toString.call(value) === '[object Date]') return (value as Date).getTime() / 1_000
  if (Array.isArray(value)) return value.map(toWire)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toWire(field)]))
}
