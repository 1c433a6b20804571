import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { operateOnRuntime } from '../../infra/local/operator/operate-on-runtime.ts'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { demo } from '../../infra/sandbox/platforms/sandbox/demo.ts'
import { slackServer } from '../functions/notification/slack/fake.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const tokens = { bot: 'token-of-the-agent', pipeline: 'token-of-the-pipeline', plain: 'token-of-a-caller' }
const entry = (token: string, more = {}) => ({ tokens: [tokenHash(token)], categories: ['*'], ...more })

const slack = await slackServer()
slack.people.push({ id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' })
const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policyFile,
  `approval: { connection: ops, channel: C0RELEASES, waitAtMost: PT10M }
rules:
  - name: not the owner
    when: { actions: [issue-ticketing/open-issue], callers: [pipeline] }
    approve: { notRequester: true }
  - name: no agents
    when: { actions: [remediation/*], agents: true }
    deny: Agents do not run runbooks
`,
)
const secrets = {
  [`${prefix}/callers`]: {
    bot: entry(tokens.bot, { agent: true }),
    pipeline: entry(tokens.pipeline, { owners: ['jane@example.com'] }),
    plain: entry(tokens.plain),
    demo: entry(demo.callerToken),
  },
  [`${prefix}/connections/notification/ops`]: {
    provider: 'slack',
    baseUrl: slack.url,
    token: slack.token,
    signingSecret: slack.signingSecret,
  },
}
const service = new Service({ policyFile, secrets })
beforeAll(() => service.start())
afterAll(async () => {
  await service.end()
  await slack.close()
})
beforeEach(() => slack.empty())
afterEach(() => service.rotate(secrets))

type Name = keyof typeof tokens

async function call(caller: Name, input: object, path = 'issue-ticketing/open-issue', mode = 'interactive') {
  const options = { token: tokens[caller] }
  const { body } = await service.call(`/v1/${path}?mode=${mode}`, { id: randomUUID(), input }, options)
  return body
}
async function status(caller: Name, taskId: string, category = 'issue-ticketing') {
  const options = { method: 'GET', token: tokens[caller] }
  return (await service.call(`/v1/${category}/tasks/${taskId}`, undefined, options)).body
}
async function ended(caller: Name, taskId: string, category?: string) {
  await service.until(
    async () => (await status(caller, taskId, category)).state !== 'running',
    `the end of the task ${taskId}`,
  )
  return status(caller, taskId, category)
}
async function respond(action: 'approve' | 'reject', user: string): Promise<void> {
  await service.until(() => slack.posts.length > 0, 'a request for an approval')
  const [post] = slack.posts
  if (!post) throw new Error('Nothing was posted.')
  const { headers = {}, body } = slack.pressButton(post, action, user)
  expect((await fetch(`${service.url}/v1/notification/slack`, { method: 'POST', headers, body })).status).toBe(200)
}
async function rejected(caller: Name, title: string): Promise<string> {
  const { taskId } = await call(caller, { title })
  await respond('reject', 'U0BEN')
  expect(await ended(caller, taskId)).toMatchObject({ verdict: 'fail' })
  slack.empty()
  return taskId
}
/** Runs a task again, as `webhooks tasks --rerun` does. */
async function rerun(taskId: string, category = 'issue-ticketing'): Promise<string> {
  const { aws } = readRuntimeFile(service.state) ?? {}
  if (!aws) throw new Error('The runtime does not run.')
  const again = await operateOnRuntime(aws, { category, taskId, operation: 'rerun' })
  return String((again as { taskId: unknown }).taskId)
}
/** Presses Re-run in the console. */
async function rerunInConsole(id: string) {
  const response = await fetch(`${service.url}/console/calls/${id}/rerun`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  return { status: response.status, body: JSON.stringify(await response.json()) }
}
const opened = async (title: string) => (await service.issues()).filter((issue) => issue.title === title).length
const auditOf = (operation: string, taskId: string) =>
  service.logs().filter((line) => line['audit'] === operation && line['taskId'] === taskId)

describe('A task that an operator runs again', () => {
  it('waits for people again if its caller is an agent', async () => {
    const again = await rerun(await rejected('bot', 'Rejected'))
    expect((await status('bot', again)).requirements).toEqual([{ type: 'approval', count: 1 }])
    await respond('approve', 'U0BEN')
    expect(await ended('bot', again)).toMatchObject({ verdict: 'pass' })
    expect(await opened('Rejected')).toBe(1)
    const decisions = [expect.objectContaining({ decision: 'approve', by: 'Ben Roe (U0BEN)' })]
    expect(auditOf('task', again)).toMatchObject([{ caller: 'bot', decisions }])
  })

  it('is not approved by an owner of its caller', async () => {
    const again = await rerun(await rejected('pipeline', 'Owned'))
    await respond('approve', 'U0JANE')
    expect(slack.ephemerals.at(-1)?.text).toContain('You requested this approval')
    await respond('approve', 'U0BEN')
    expect(await ended('pipeline', again)).toMatchObject({ verdict: 'pass' })
    expect(await opened('Owned')).toBe(1)
  })

  it('is refused by a rule for agents, by the limits of its caller, and without an entry', async () => {
    const hang = { target: 'clear-cache', parameters: { outcome: 'hang' } }
    const { taskId } = await call('plain', hang, 'remediation/run-runbook')
    await service.call(`/v1/remediation/tasks/${taskId}/cancel`, undefined, { token: tokens.plain })
    await ended('plain', taskId, 'remediation')
    const { plain, ...others } = secrets[`${prefix}/callers`] as Record<string, object>
    const runs = (await service.tasks()).length
    for (const [callers, reason] of [
      [{ ...others, plain: { ...plain, agent: true } }, 'Agents do not run runbooks'],
      [{ ...others, plain: { ...plain, categories: ['ci-cd'] } }, 'The caller plain may not use remediation'],
      [{ ...others, plain: { ...plain, writes: 'deny', allow: ['remediation/x'] } }, 'may not call'],
      [others, 'The secret callers has no entry plain'],
    ] as const) {
      service.rotate({ ...secrets, [`${prefix}/callers`]: callers })
      await expect(rerun(taskId, 'remediation')).rejects.toThrow(reason)
    }
    expect((await service.tasks()).length).toBe(runs)
  })
})

describe('Re-run in the console', () => {
  it('sends no request as another caller', async () => {
    const { taskId } = await call('plain', { title: 'Passed' })
    await ended('plain', taskId)
    const { status: refused, body } = await rerunInConsole(taskId)
    expect([refused, body]).toEqual([409, expect.stringContaining('no token of plain, its caller')])
    expect(await opened('Passed')).toBe(1)
  })

  it('runs the task of another caller again, with the rights of that caller', async () => {
    const { status: started, body } = await rerunInConsole(await rejected('bot', 'Rejected in the console'))
    expect(started).toBe(200)
    const { id } = JSON.parse(body)
    await respond('reject', 'U0BEN')
    expect(await ended('bot', id)).toMatchObject({ verdict: 'fail', rerunOf: expect.any(String) })
    expect(await opened('Rejected in the console')).toBe(0)
  })
})
