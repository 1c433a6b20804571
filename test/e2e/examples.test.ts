import { waitForAll } from '../wait-for-all.ts'
import '../functions/aws.ts'
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { STATE_TABLE } from '../../infra/local/functions.ts'
import { type Runtime, startRuntime } from '../../infra/local/runtime.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { type Example, examples } from '../../infra/sandbox/platforms/sandbox/examples.ts'
import type { Task } from '../../shared/core/call.ts'
import { taskHandler } from '../../shared/core/task/handler.ts'
import { payloadOf } from '../../shared/core/task/payload.ts'
import type { TaskResult } from '../../shared/core/task/task-result.ts'
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
const isFollowUp = ({ idFrom }: Case) => idFrom !== undefined

const state = mkdtempSync(join(tmpdir(), 'webhooks-examples-'))
let runtime: Runtime
const local = new Map<string, Run>()
const aws = new Map<string, Run>()
beforeAll(async () => {
  // A notification comes before or after the poll that finds the end, so operations would differ.
  const eventsFile = join(state, 'no-sources.yaml')
  writeFileSync(eventsFile, 'sources: {}\n')
  // More execution environments would only take longer to start.
  runtime = await startRuntime({
    port: 0,
    state,
    concurrency: 1,
    copiesBundles: false,
    sandboxTimeScale: 5,
    eventsFile,
  })
  const played = await waitForAll(cases.filter((example) => !isFollowUp(example)).map((one) => runLocally(one)))
  played.push(...(await waitForAll(cases.filter(isFollowUp).map((one) => runLocally(one, played)))))
  useLocalServices(runtime)
  await startRunner()
  // One after the other: each moves the clock.
  for (const { example, task, run } of played) {
    local.set(nameOf(example), run)
    // A task that has not ended in the local runtime continues on AWS.
    aws.set(nameOf(example), await runOnAws(isEndless(example) ? task : await withNewIds(task)))
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

/** Shortens load tests and faults, which take real time in the local runtime. */
function shorten({ input }: Case): object | undefined {
  // Whether a load test meets its thresholds depends on the machine.
  const { parameters, thresholds: _, ...rest } = (input ?? {}) as Record<string, Record<string, unknown>>
  return parameters && 'duration' in parameters ? { ...rest, parameters: { ...parameters, duration: 'PT1S' } } : input
}

interface Played {
  example: Case
  run: Run
  task: Task
  outcome: TaskResult['outcome'] | undefined
}

/** Calls the webhook of the local runtime, and waits until the task has ended, or waits for its deadline. */
async function runLocally(example: Case, earlier: Played[] = []): Promise<Played> {
  const { action, task: keptnTask, data, idFrom = [] } = example
  const input = shorten(example)
  const query = isEndless(example) ? `${example.query.replace(/&deadline=.*/, '')}&deadline=PT1H` : example.query
  const [category] = action.split('/')
  const sources = earlier.filter((one) => idFrom.some((name) => one.example.action === `${category}/${name}`))
  const id = sources.flatMap(({ outcome }) => outcome?.data?.['id'] ?? []).at(-1)
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
  const { cloud } = runtime
  const { arn = '' } = cloud.executions({ name: taskId })[0] ?? {}
  const operations = () => cloud.operations(arn).filter((operation) => operation.status === 'SUCCEEDED')
  const isDone = async () => {
    if (isEndless(example)) return operations().some((operation) => operation.name === 'start')
    cloud.skipWait(arn)
    return cloud.execution(arn)?.status !== 'RUNNING'
  }
  await until(isDone, 60, () => `the end of ${nameOf(example)}`)
  const names = operations().map((operation) => `${operation.name} ${operation.status}`)
  // It would poll during the other tests.
  if (isEndless(example)) cloud.stop(arn)
  const { input: payload = '', result, status } = cloud.execution(arn) ?? {}
  const { outcome }: Partial<TaskResult> = result ? JSON.parse(result) : {}
  return {
    example,
    outcome,
    run: { status, outcome: verdictOf(outcome), operations: names },
    task: JSON.parse(payload),
  }
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

/** Returns the payload of the same call for another event, so that nothing of the first one is found. */
async function withNewIds(task: Task): Promise<Task> {
  const id = createHash('sha1').update(task.id).digest('hex')
  return JSON.parse(await payloadOf({ ...task, id, event: { ...task.event, id: randomUUID() } }))
}

/** Runs a task under AWS's runner. */
async function runOnAws(task: Task): Promise<Run> {
  const category = categories.find(({ name }) => name === task.category)
  if (!category) throw new Error(`Unknown category ${task.category}`)
  const execution = new Execution<TaskResult>(taskHandler(category))
  const result = await execution.run(task)
  const operations = operationsOf(result)
  const ended = result.getStatus()
  return {
    status: ended,
    outcome: verdictOf(ended === 'SUCCEEDED' ? result.getResult()?.outcome : undefined),
    operations,
  }
}

function verdictOf(outcome: TaskResult['outcome'] | undefined): Run['outcome'] {
  return outcome && { status: outcome.status, result: outcome.result }
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
