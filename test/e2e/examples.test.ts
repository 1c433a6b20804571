import '../functions/aws.ts'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LambdaClient, StopDurableExecutionCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { STATE_TABLE } from '../../infra/local/functions.ts'
import { type Runtime, startRuntime } from '../../infra/local/runtime.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { type Example, examples } from '../../infra/platforms/sandbox/examples.ts'
import type { Task } from '../../shared/core/call.ts'
import { type TaskResult, taskHandler } from '../../shared/core/task/handler.ts'
import { Execution, operationsOf } from '../lifecycle/execution.ts'
import { startRunner, stopRunner } from '../lifecycle/runner.ts'
import { until } from './service.ts'

/** An example with the name of its action, such as `ci-cd/cancel`. */
interface Case extends Example {
  action: string
}

/** The result of an example, which is the same in the local runtime and on AWS. */
interface Run {
  status: string | undefined
  outcome: { status: string; result: string } | undefined
  /** Name and status of each operation, in the order in which they started. */
  operations: string[]
}

const cases: Case[] = Object.entries(examples)
  .flatMap(([action, list]) => list.map((example) => ({ ...example, action })))
  .filter(({ query }) => query.includes('mode=interactive'))
const nameOf = ({ action, name }: Case) => `${action}: ${name}`

const state = mkdtempSync(join(tmpdir(), 'webhooks-examples-'))
let runtime: Runtime
let lambda: LambdaClient
const local = new Map<string, Run>()
const aws = new Map<string, Run>()
beforeAll(async () => {
  runtime = await startRuntime({ port: 0, state, timeScale: 10 })
  lambda = new LambdaClient({ ...runtime.cloud, region: 'eu-west-1' })
  const tasks = new Map<string, Task>()
  // An example with an id needs the result of an earlier one, and examples at once more execution environments.
  const ofCategories = Map.groupBy(
    cases.toSorted((one, other) => Number(one.idFrom !== undefined) - Number(other.idFrom !== undefined)),
    ({ action }) => action.split('/')[0],
  )
  await Promise.all(
    [...ofCategories.values()].map(async (group) => {
      for (const example of group) {
        const { run, task } = await runLocally(example, tasks)
        local.set(nameOf(example), run)
        tasks.set(nameOf(example), task)
      }
    }),
  )
  useLocalServices(runtime)
  await startRunner()
  // One after the other: each moves the clock.
  for (const example of cases) {
    const task = tasks.get(nameOf(example))
    // A task that has not ended in the local runtime continues on AWS.
    if (task) aws.set(nameOf(example), await runOnAws(isEndless(example) ? task : withNewIds(task)))
  }
})
afterAll(async () => {
  await stopRunner()
  await runtime.close()
  rmSync(state, { recursive: true, force: true })
})

/** Whether a task ends at its deadline only. */
function isEndless({ action, name }: Case): boolean {
  return /approval|never ends/i.test(`${action} ${name}`)
}

/** Shortens jobs, which take real time in the local runtime. */
function shorten({ input, action }: Case): object | undefined {
  if (!/start-|run-runbook/.test(action)) return input
  // Whether a load test meets its thresholds depends on the machine.
  const { parameters = {}, thresholds: _, ...rest } = (input ?? {}) as Record<string, Record<string, unknown>>
  const seconds = 'duration' in parameters ? { duration: 'PT1S' } : { seconds: '1' }
  return { ...rest, parameters: { ...parameters, ...seconds } }
}

/** Calls the webhook of the local runtime, and waits until the task has ended, or waits for its deadline. */
async function runLocally(example: Case, earlier: Map<string, Task>): Promise<{ run: Run; task: Task }> {
  const { action, task: keptnTask, data, idFrom } = example
  const input = shorten(example)
  const query = isEndless(example) ? `${example.query.replace(/&deadline=.*/, '')}&deadline=PT1H` : example.query
  const [category] = action.split('/')
  const id = idFrom?.flatMap((name) => resultIdOf(`${category}/${name}`, earlier)).at(-1)
  const event = {
    id: randomUUID(),
    type: `sh.keptn.event.${keptnTask}.triggered`,
    shkeptncontext: randomUUID(),
    data: { project: 'shop', stage: 'production', service: 'checkout', ...data },
    input: id === undefined ? input : { ...input, id },
  }
  const response = await fetch(`${runtime.url}/v1/${action}?${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.callerToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(event),
  })
  const { taskId, detail } = (await response.json()) as { taskId: string; detail?: string }
  if (response.status !== 202) throw new Error(`${nameOf(example)}: ${response.status} ${detail}`)
  const { arn = '' } = runtime.cloud.executions({ name: taskId })[0] ?? {}
  const operations = () => runtime.cloud.operations(arn).filter((operation) => operation.status === 'SUCCEEDED')
  const hasStarted = () => operations().some((operation) => operation.name === 'start')
  await until(
    async () => runtime.cloud.execution(arn)?.status !== 'RUNNING' || (isEndless(example) && hasStarted()),
    60,
    () => `the end of ${nameOf(example)}`,
  )
  const names = operations().map((operation) => `${operation.name} ${operation.status}`)
  // It would poll during the other tests.
  if (isEndless(example)) await lambda.send(new StopDurableExecutionCommand({ DurableExecutionArn: arn }))
  const { input: payload = '', result, status } = runtime.cloud.execution(arn) ?? {}
  const outcome = outcomeOf(result && JSON.parse(result))
  return { run: { status, outcome, operations: names }, task: JSON.parse(payload) }
}

function resultIdOf(action: string, earlier: Map<string, Task>): string[] {
  return [...earlier].flatMap(([name, { id }]) => {
    if (!name.startsWith(`${action}:`)) return []
    const [execution] = runtime.cloud.executions({ name: id })
    const { result } = runtime.cloud.execution(execution?.arn ?? '') ?? {}
    const data = result && (JSON.parse(result) as TaskResult).outcome.data
    return data && typeof data['id'] === 'string' ? [data['id']] : []
  })
}

/** Points the AWS clients of this process to the services of the local runtime. */
function useLocalServices({ cloud }: Runtime): void {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: cloud.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: cloud.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: cloud.dynamodb,
    AWS_ACCESS_KEY_ID: cloud.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: cloud.credentials.secretAccessKey,
    WEBHOOKS_STATE_TABLE: STATE_TABLE,
  })
}

/** Returns the same call for another event, so that nothing of the first one is found. */
function withNewIds(task: Task): Task {
  const id = createHash('sha1').update(task.id).digest('hex')
  return { ...task, id, event: { ...task.event, id: randomUUID() } }
}

/** Runs a task under AWS's runner. */
async function runOnAws(task: Task): Promise<Run> {
  const category = categories.find(({ name }) => name === task.category)
  if (!category) throw new Error(`Unknown category ${task.category}`)
  const execution = new Execution<TaskResult>(taskHandler(category))
  const result = await execution.run(task)
  const operations = operationsOf(result)
  const ended = result.getStatus()
  return { status: ended, outcome: outcomeOf(ended === 'SUCCEEDED' ? result.getResult() : undefined), operations }
}

function outcomeOf(result: TaskResult | undefined): Run['outcome'] {
  return result && { status: result.outcome.status, result: result.outcome.result }
}

describe('An example of the sandbox has the same result and operations on AWS as in the local runtime:', () => {
  it.each(cases.map((example) => [nameOf(example), example] as const))('%s', (name, example) => {
    const [here, there] = [local.get(name), aws.get(name)]
    expect(there?.status).toBe('SUCCEEDED')
    if (!isEndless(example)) return expect(there).toEqual(here)
    expect(here?.operations).toContain('start SUCCEEDED')
    expect(there?.operations.filter((operation) => here?.operations.includes(operation))).toEqual(here?.operations)
  })
})
