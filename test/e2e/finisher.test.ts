import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { categories } from '../../functions/index.ts'
import { dist } from '../../infra/build/files.ts'
import { executionTimeoutOf } from '../../shared/core/deadlines.ts'
import { Service, type ServiceOptions, triggered } from './service.ts'

/** The shipped bundles with broken tasks: one throws, the other one crashes. */
const bundles = mkdtempSync(join(tmpdir(), 'webhooks-finisher-'))
const broken = {
  'issue-ticketing': `import { withDurableExecution } from '@aws/durable-execution-sdk-js'
     export const handler = withDurableExecution(async () => { throw new Error('the task is broken') })`,
  'incident-management': 'export const handler = () => process.exit(1)',
}
beforeAll(async () => {
  for (const name of readdirSync(dist)) {
    if (!(name in broken)) symlinkSync(join(dist, name), join(bundles, name))
  }
  for (const [category, contents] of Object.entries(broken)) {
    const outfile = join(bundles, category, 'task.js')
    cpSync(join(dist, category), join(bundles, category), { recursive: true })
    await build({
      ...{ stdin: { contents, resolveDir: import.meta.dirname }, outfile, allowOverwrite: true, bundle: true },
      ...{ platform: 'node', format: 'cjs', logLevel: 'error' },
    })
  }
})
afterAll(() => rmSync(bundles, { recursive: true, force: true }))

let service: Service
afterEach(() => service.end())

/** Sixty of the seconds that a step waits pass in one. */
const start = async (options: ServiceOptions) => {
  service = await new Service({ timeScale: 60, ...options }).start()
}
const interactive = '?mode=interactive&sendStarted=true'

async function accepted(query = interactive, action = 'issue-ticketing/open-issue') {
  const event = triggered()
  const { status, body } = await service.call(`/v1/${action}${query}`, event)
  expect(status).toBe(202)
  return { id: event.id, taskId: body.taskId }
}

it('A task that always throws, and one whose invocations crash, have one started and one finished event', async () => {
  await start({ bundles, executionTimeout: 3 })
  const tasks = [await accepted(), await accepted(interactive, 'incident-management/open-ticket')]
  const [thrown, crashed] = await Promise.all(tasks.map(({ id }) => service.finishedOf(id)))
  const errored = (message: RegExp) => ({
    ...{ started: 1, finished: [{ status: 'errored', result: 'fail', message: expect.stringMatching(message) }] },
  })
  expect(thrown).toMatchObject(errored(/execution of the task failed \(the task is broken\)/))
  expect(crashed).toMatchObject(errored(/ran longer than its maximum time/))
})

it('A task that is stopped while Keptn is down is finished once, after Keptn is back and across a crash', async () => {
  await start({})
  await service.fault({ target: 'keptn', kind: '503' })
  const { id, taskId } = await accepted('?mode=interactive')
  await service.until(async () => (await service.requests('keptn')).length > 1, 'a second attempt')
  await service.stopTask(taskId)
  // As on AWS, each task function has the execution timeout of its category.
  const { Functions = [] } = await service.lambdaClient().send(new ListFunctionsCommand({}))
  const timeouts = Object.fromEntries(
    Functions.map(({ FunctionName, DurableConfig }) => [FunctionName, DurableConfig?.ExecutionTimeout]),
  )
  const expected = categories.map((category) => [`${category.name}-task`, executionTimeoutOf(category)])
  expect(timeouts).toMatchObject(Object.fromEntries(expected))
  await service.kill()
  await service.start()
  await service.clearFaults()
  const { started, finished } = await service.finishedOf(id)
  expect([started, finished.length]).toEqual([0, 1])
})
