import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { slackServer } from '../functions/notification/slack/fake.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { callTool, mcp, withTasks } from './mcp-client.ts'
import { Service } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const tokens = { agent: 'token-of-the-agent', reader: 'token-of-the-reader' }
const caller = (token: string, more = {}) => ({ tokens: [tokenHash(token)], categories: ['*'], agent: true, ...more })

const slack = await slackServer()
const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(policyFile, 'approval: { connection: ops, channel: C0RELEASES, waitAtMost: PT5M }\nrules: []\n')

const service = new Service({
  policyFile,
  secrets: {
    [`${prefix}/callers`]: {
      'incident-bot': caller(tokens.agent),
      reader: caller(tokens.reader, { writes: 'deny' }),
    },
    [`${prefix}/connections/notification/ops`]: {
      provider: 'slack',
      baseUrl: slack.url,
      token: slack.token,
      signingSecret: slack.signingSecret,
    },
  },
})
beforeAll(() => service.start())
afterAll(async () => {
  await service.end()
  await slack.close()
})
beforeEach(() => slack.empty())

const agent = { token: tokens.agent }
const opening = (title: string) => ({ key: `test-${randomUUID()}`, input: { title }, wait: 1 })
const open = (sent: object, options: object = agent) => callTool(service, 'issue-ticketing_open-issue', sent, options)
const read = (taskId: string) => callTool(service, 'get_task', { taskId }, agent)
const opened = async (title: string) => (await service.issues()).filter((issue) => issue.title === title).length
async function decide(action: 'approve' | 'reject'): Promise<void> {
  await service.until(() => slack.posts.length > 0, 'a request for an approval')
  const [post] = slack.posts
  if (!post) throw new Error('Nothing was posted.')
  const { headers = {}, body } = slack.pressButton(post, action, 'U0JANE')
  expect((await fetch(`${service.url}/v1/notification/slack`, { method: 'POST', headers, body })).status).toBe(200)
}

describe('A write of an agent', () => {
  it('waits until a person approves, who sees the agent, the action and the request, and happens once', async () => {
    const call = opening('Approved by a person')
    const { taskId } = (await open(call)).structuredContent
    await service.until(
      async () => /Inform your user/.test((await read(taskId)).structuredContent.message),
      'the progress of the approval',
    )
    const waiting = await read(taskId)
    expect(waiting.structuredContent).toMatchObject({
      verdict: 'running',
      waitUntil: expect.any(String),
      pollAfterSeconds: 30,
      message: expect.stringMatching(
        /^Waits for an approval, asked in C0RELEASES by the connection ops: people approve what this caller writes, until \S+ \S+ UTC\. Inform your user/,
      ),
    })
    expect(JSON.stringify(waiting)).not.toMatch(/notification\/approvals|[0-9a-f]{40}\.[0-9a-z]+\.[0-9a-f]{16}/)
    await service.until(() => slack.posts.length > 0, 'a request for an approval')
    const shown = JSON.stringify(slack.posts[0]?.blocks)
    for (const text of ['incident-bot', 'issue-ticketing/open-issue', 'Approved by a person', 'POST ', '/issues'])
      expect(shown).toContain(text)
    expect(await opened('Approved by a person')).toBe(0)
    // The model has lost its connection.
    expect((await open(call)).structuredContent.taskId).toBe(taskId)
    await decide('approve')
    await service.until(async () => (await read(taskId)).structuredContent.verdict === 'pass', 'the end of the task')
    expect((await read(taskId)).structuredContent).toMatchObject({
      message: expect.stringMatching(/Approved by Jane Doe/),
      data: { decisions: [{ decision: 'approve', by: expect.stringMatching(/^Jane Doe/) }] },
    })
    expect((await open(call)).structuredContent.verdict).toBe('pass')
    expect(await opened('Approved by a person')).toBe(1)
  })

  it('does not happen after a person has rejected it, and is a completed task with an error', async () => {
    const created = await open(opening('Rejected by a person'), { ...agent, ...withTasks })
    const { taskId } = created
    await decide('reject')
    const get = async () => (await mcp(service, 'tasks/get', { taskId }, { ...agent, ...withTasks })).body.result
    await service.until(async () => (await get()).status !== 'working', 'the end of the task')
    expect(await get()).toMatchObject({
      status: 'completed',
      result: {
        isError: true,
        structuredContent: {
          message: expect.stringContaining('Rejected by Jane Doe'),
          data: { decisions: [{ decision: 'reject' }] },
        },
      },
    })
    expect(await opened('Rejected by a person')).toBe(0)
  })

  it('is not offered if the caller may not write', async () => {
    const { tools } = (await mcp(service, 'tools/list', {}, { token: tokens.reader })).body.result
    const names = tools.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['slo_request-evaluation', 'ci-cd_cancel-run', 'get_task']))
    expect(names).not.toContain('issue-ticketing_open-issue')
    expect(names).not.toContain('notification_ask-approval')
  })
})

describe('A read of an agent', () => {
  it('needs no approval, and no key', async () => {
    const sent = { input: { slo: 'casdemoapp', timeframe: '5m' }, wait: 20 }
    const { structuredContent } = await callTool(service, 'slo_request-evaluation', sent, agent)
    expect(structuredContent).toMatchObject({ verdict: expect.stringMatching(/^(pass|warning|fail)$/) })
    expect(slack.posts).toEqual([])
  })
})
