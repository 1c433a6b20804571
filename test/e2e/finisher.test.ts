import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListFunctionsCommand, StopDurableExecutionCommand } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { categories } from '../../functions/index.ts'
import { dist } from '../../infra/build/files.ts'
import { executionTimeoutOf } from '../../shared/core/deadlines.ts'
import { Service, type ServiceOptions, triggered, until } from './service.ts'

const folder = mkdtempSync(join(tmpdir(), 'webhooks-finisher-'))
const bundles = { throwing: join(folder, 'throwing'), crashing: join(folder, 'crashing') }

/** The shipped bundles with a broken task. */
async function breakTask(copy: string, code: string): Promise<void> {
  cpSync(dist, copy, { recursive: true })
  const outfile = join(copy, 'issue-ticketing', 'task.js')
  const stdin = { contents: code, resolveDir: import.meta.dirname }
  await build({
    stdin,
    outfile,
    allowOverwrite: true,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  })
}

beforeAll(async () => {
  await breakTask(
    bundles.throwing,
    `import { withDurableExecution } from '@aws/durable-execution-sdk-js'
     export const handler = withDurableExecution(async () => { throw new Error('the task is broken') })`,
  )
  await breakTask(bundles.crashing, 'export const handler = () => process.exit(1)')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let service: Service
afterEach(() => service.end())

/** Sixty of the seconds that a step waits pass in one. */
const start = async (options: ServiceOptions) => {
  service = await new Service({ timeScale: 60, ...options }).start()
}
const interactive = '?mode=interactive&sendStarted=true'

async function accepted(query = interactive) {
  const event = triggered()
  expect((await service.openIssue(event, query)).status).toBe(202)
  return event.id
}

async function stop() {
  const { tasks } = (await service.call('/tasks', undefined, { method: 'GET' })).body
  const client = service.lambdaClient()
  const { arn } = tasks.find(({ functionName }: { functionName: string }) => functionName === 'issue-ticketing-task')
  await client.send(new StopDurableExecutionCommand({ DurableExecutionArn: arn }))
  return { client, arn }
}

describe('A task that Lambda ends has exactly one started and one finished event:', () => {
  it('a task whose handler always throws', async () => {
    await start({ bundles: bundles.throwing })
    const { started, finished } = await service.finishedOf(await accepted())
    expect([started, finished.length]).toEqual([1, 1])
    expect(finished[0]).toMatchObject({
      status: 'errored',
      result: 'fail',
      message: expect.stringMatching(/execution of the task failed \(the task is broken\)/),
    })
  })

  it('a task whose invocations all crash, after its execution timeout', async () => {
    await start({ bundles: bundles.crashing, executionTimeout: 3 })
    const { started, finished } = await service.finishedOf(await accepted())
    expect([started, finished.length]).toEqual([1, 1])
    expect(finished[0].message).toMatch(/ran longer than its maximum time/)
  })

  it('a task that is stopped while Keptn is down, after Keptn is back and across a crash', async () => {
    await start({})
    await service.fault({ target: 'keptn', kind: '503' })
    const id = await accepted('?mode=interactive')
    await until(
      async () => (await service.requests('keptn')).length > 1,
      10,
      () => 'a second attempt',
    )
    await stop()
    await service.kill()
    await service.start()
    await service.clearFaults()
    const { started, finished } = await service.finishedOf(id)
    expect([started, finished.length]).toEqual([0, 1])
  })
})

it('Each task function has the execution timeout of its category, as on AWS', async () => {
  await start({})
  await service.fault({ target: 'github', kind: '500' })
  await accepted()
  const { client } = await stop()
  const { Functions = [] } = await client.send(new ListFunctionsCommand({}))
  const timeouts = Object.fromEntries(
    Functions.map(({ FunctionName, DurableConfig }) => [FunctionName, DurableConfig?.ExecutionTimeout]),
  )
  for (const category of categories)
    expect(timeouts).toMatchObject({ [`${category.name}-task`]: executionTimeoutOf(category) })
})
