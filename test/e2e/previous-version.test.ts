import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { dist } from '../../infra/build/files.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { jobRow as githubActionsJob } from '../functions/ci-cd/github-actions/fake.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service, triggered } from './service.ts'

const root = join(import.meta.dirname, '../..')
const prefix = 'cloud-automation-webhooks'
const folder = temporaryFolder()
const eventsFile = join(folder, 'events.yaml')
writeFileSync(eventsFile, 'sources:\n  github: { type: github, wakes: [ci-cd/simulated] }\n')

const github = await githubActionsJob.start()
const tokens = [`sha256:${createHash('sha256').update(demo.callerToken).digest('hex')}`]
const service = new Service({
  timeScale: 30,
  bundles: bundlesWithOldTask(),
  eventsFile,
  secrets: {
    [`${prefix}/connections/ci-cd/simulated`]: { provider: 'github-actions', ...github.connection },
    [`${prefix}/sources/github`]: { keys: ['signing-key-of-the-source-0123456789'] },
    // The previous version does not know `agent`.
    [`${prefix}/callers`]: {
      demo: { tokens, categories: ['*'], orchestrator: 'sandbox', agent: true, writes: 'allow' },
    },
  },
})
beforeAll(() => service.start())
afterAll(async () => {
  await service.end()
  await github.server.close()
})

/** Returns the bundles of today, with the task of ci-cd as commit a394d6bc builds it: see test/fixtures/previous-version. */
function bundlesWithOldTask(): string {
  const bundles = join(folder, 'dist')
  mkdirSync(join(bundles, 'ci-cd'), { recursive: true })
  for (const name of readdirSync(dist)) if (name !== 'ci-cd') symlinkSync(join(dist, name), join(bundles, name))
  for (const name of readdirSync(join(dist, 'ci-cd')))
    if (name !== 'task.js') symlinkSync(join(dist, 'ci-cd', name), join(bundles, 'ci-cd', name))
  const task = readFileSync(join(root, 'test/fixtures/previous-version/ci-cd-task.js.gz'))
  writeFileSync(join(bundles, 'ci-cd/task.js'), gunzipSync(task))
  // It does not contain the AWS SDK.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return bundles
}

async function start() {
  const event = triggered({ type: 'sh.keptn.event.build.triggered', input: github.input })
  const path = '/v1/ci-cd/trigger-build?connection=simulated&mode=interactive&sendStarted=true&deadline=PT4H'
  const before = github.runs()
  const { status, body } = await service.call(path, event)
  expect({ status, body }).toMatchObject({ status: 202 })
  await service.until(() => github.runs() > before, 'the run')
  github.letStart()
  return { id: event.id, taskId: String(body.taskId) }
}

describe('A task of the previous version, whose webhook now knows sources', () => {
  it('polls its job to the end, and sends one result', async () => {
    const { id, taskId } = await start()
    const { body } = await service.call(`/v1/ci-cd/tasks/${taskId}`, undefined, { method: 'GET' })
    expect(body).toMatchObject({ state: 'running' })
    github.end()
    const { started, finished } = await service.finishedOf(id)
    expect({ started, finished }).toMatchObject({ started: 1, finished: [{ status: 'succeeded', result: 'pass' }] })
    // A task of today has this operation.
    expect(service.output).not.toContain('poll-wake')
  })

  it('notices with its next poll that it is canceled', async () => {
    const { id, taskId } = await start()
    expect(await service.call(`/v1/ci-cd/tasks/${taskId}/cancel`)).toMatchObject({ status: 202 })
    await service.until(() => github.finishStop(), 'the stop of the run')
    expect((await service.finishedOf(id)).finished).toMatchObject([{ status: 'aborted' }])
  })
})
