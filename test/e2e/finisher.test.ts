import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { build } from 'esbuild'
import { categories } from '../../functions/index.ts'
import { dist } from '../../infra/build/files.ts'
import { executionTimeoutOf } from '../../shared/core/max-deadlines.ts'
import { waitForAll } from '../wait-for-all.ts'
import { Service, triggered } from './service.ts'

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
      stdin: { contents, resolveDir: import.meta.dirname },
      outfile,
      allowOverwrite: true,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
    })
  }
})

/** Sixty of the seconds that a step waits pass in one. */
const service = new Service({ timeScale: 60 })
const brokenService = new Service({ timeScale: 60, bundles, executionTimeout: 3 })
/** Events of the task that throws, and of the one that crashes until its execution timeout. */
const [throwing, crashing] = [triggered(), triggered()]
const interactive = '?mode=interactive&sendStarted=true'
beforeAll(async () => {
  await waitForAll([service.start(), brokenService.start()])
  expect(await brokenService.openIssue(throwing, interactive)).toMatchObject({ status: 202 })
  const openTicket = `/v1/incident-management/open-ticket${interactive}`
  expect(await brokenService.call(openTicket, crashing)).toMatchObject({ status: 202 })
})
afterAll(async () => {
  await waitForAll([service.end(), brokenService.end()])
  rmSync(bundles, { recursive: true, force: true })
})

it('A task that is stopped while Keptn is down is finished once, after Keptn is back and across a crash', async () => {
  await service.fault({ target: 'keptn', kind: '503' })
  const event = triggered()
  const { body } = await service.openIssue(event, '?mode=interactive')
  await service.until(async () => (await service.requests('keptn')).length > 1, 'a second attempt')
  await service.stopTask(body.taskId)
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
  const { started, finished } = await service.finishedOf(event.id)
  expect([started, finished.length]).toEqual([0, 1])
})

it.each([
  ['always throws', throwing, /execution of the task failed \(the task is broken\)/],
  ['crashes in each invocation', crashing, /ran longer than its maximum time/],
])('A task that %s has one started and one finished event', async (_behavior, { id }, message) => {
  const finished = [{ status: 'errored', result: 'fail', message: expect.stringMatching(message) }]
  expect(await brokenService.finishedOf(id)).toMatchObject({ started: 1, finished })
})
