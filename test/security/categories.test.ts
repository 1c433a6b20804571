import { beforeAll, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { startOnce } from '../functions/helpers.ts'
import { triggered } from '../lifecycle/lifecycle.ts'
import { category, useLifecycle } from '../lifecycle/platform.ts'
import { startGithubApp } from '../platforms/github/app-server.ts'

const { lifecycle, platform } = useLifecycle()
const github = startOnce(startGithubApp)
const TOKEN = 'token-of-a-caller-for-another-category'

beforeAll(() => {
  const callers = lifecycle.secrets.get('cloud-automation-webhooks/callers')
  const categories = ['issue-ticketing']
  const elsewhere = { tokens: [tokenHash(TOKEN)], categories }
  lifecycle.store('callers', { ...Object(callers), elsewhere, github: { categories, orchestrator: 'github' } })
  lifecycle.store('callbacks', { key: 'a-key-for-reply-addresses-of-the-tests-0123456789' })
  lifecycle.store('orchestrators/github', { type: 'github', ...github.settings, input: '{target: repository.name}' })
})

const call = JSON.stringify({ ...triggered(), input: { target: 'deploy' } })
const START = 'start-run?connection=job'
const taskId = 'a'.repeat(40)

it.each([
  ['POST', START],
  ['POST', `${START}&mode=interactive`],
  ['POST', `${START}&mode=gate`],
  ['POST', `${START}&dryRun=true`],
  ['POST', 'start-run/cancel?connection=job&mode=interactive'],
  ['POST', 'verify'],
  ['POST', 'verify?mode=interactive'],
  ['POST', 'no-such-action'],
  ['GET', `tasks/${taskId}`],
  ['POST', `tasks/${taskId}/cancel`],
  ['POST', `tasks/${taskId}/answer`],
  ['POST', `tasks/${taskId}/rerun`],
  ['GET', 'no/such/route'],
])('%s %s is refused for a caller of another category, and reads and starts nothing', async (method, target) => {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const body = method === 'POST' ? call : undefined
  const { status, body: problem } = await lifecycle.send(method, target, { headers, ...(body && { body }) })
  expect([status, problem.detail]).toEqual([403, expect.stringContaining(`elsewhere may not use ${category.name}`)])
  expect([platform.calls, lifecycle.invocations]).toEqual([[], []])
})

it('A call that an engine signs is refused if its caller is of another category', async () => {
  const { headers, body } = github.signed('deployment_protection_rule', github.startRun().payload)
  const target = `${START}&orchestrator=github`
  const { status, body: problem } = await lifecycle.send('POST', target, { headers, body })
  expect([status, problem.detail]).toEqual([403, expect.stringContaining(`github may not use ${category.name}`)])
})
