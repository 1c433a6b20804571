import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { tokenHash } from '../../infra/project/token-hash.ts'
import { type SentButtonPress, slackServer } from '../functions/notification/slack/fake.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { Service } from './service.ts'

const prefix = 'cloud-automation-webhooks'
const tokens = { pipeline: 'token-of-the-pipeline', agent: 'token-of-the-agent', reader: 'token-of-the-reader' }

const slack = await slackServer()
slack.people.push({ id: 'U0BEN', name: 'ben', realName: 'Ben Roe', email: 'ben@example.com' })
slack.people.push({ id: 'U0LIZ', name: 'liz', realName: 'Liz Poe', email: 'liz@example.com' })

const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policyFile,
  `timeZone: UTC
approval: { connection: ops, channel: C0RELEASES, waitAtMost: PT10M }
groups: { sre: [U0JANE, ben@example.com] }
rules:
  - name: two of sre
    when: { actions: [issue-ticketing/open-issue], input: "title == 'Two'" }
    approve: { count: 2, by: ["group:sre"] }
  - name: not the owner
    when: { actions: [issue-ticketing/open-issue], input: "title == 'Other'" }
    approve: { notRequester: true }
  - name: short
    when: { actions: [issue-ticketing/open-issue], input: "title == 'Short'" }
    approve: {}
    waitAtMost: PT5S
  - name: any approval
    when: { actions: [issue-ticketing/open-issue], input: "title == 'One'" }
    approve: {}
  - name: unknown connection
    when: { actions: [issue-ticketing/open-issue], input: "title == 'Missing'" }
    approve: { connection: missing }
  - name: flags
    when: { actions: [feature-flags/set-flag], input: "percentage == \`20\`" }
    approve: {}
  - name: messages
    when: { actions: [notification/push-update] }
    approve: {}
  - name: frozen
    when: { actions: [issue-ticketing/open-issue], input: "title == 'Glass'" }
    freeze: [{ from: 2026-01-01, to: 2999-12-31, reason: Closed }]
    otherwise: approve
`,
)

const secretsOf = (teamUrl = slack.url) => ({
  [`${prefix}/callers`]: {
    pipeline: { tokens: [tokenHash(tokens.pipeline)], categories: ['*'], owners: ['jane@example.com'] },
    agent: { tokens: [tokenHash(tokens.agent)], categories: ['*'], agent: true },
    reader: { tokens: [tokenHash(tokens.reader)], categories: ['*'], writes: 'deny' },
  },
  [`${prefix}/connections/notification/ops`]: {
    provider: 'slack',
    baseUrl: slack.url,
    token: slack.token,
    signingSecret: slack.signingSecret,
    channel: 'C0OTHER',
  },
  [`${prefix}/connections/notification/team`]: {
    provider: 'slack',
    baseUrl: teamUrl,
    token: slack.token,
    channel: 'C0RELEASES',
  },
})
const service = new Service({ policyFile, secrets: secretsOf() })
beforeAll(() => service.start())
afterAll(async () => {
  await service.end()
  await slack.close()
})
beforeEach(() => slack.empty())

type Name = keyof typeof tokens
const send = (path: string, input: object, mode: string, caller: Name = 'pipeline') =>
  service.call(`/v1/${path}?mode=${mode}`, { id: randomUUID(), input }, { token: tokens[caller] })
const open = (title: string, mode = 'interactive', caller?: Name) =>
  send('issue-ticketing/open-issue', { title }, mode, caller)
const status = async (taskId: string, caller: Name = 'pipeline', category = 'issue-ticketing') =>
  (await service.call(`/v1/${category}/tasks/${taskId}`, undefined, { method: 'GET', token: tokens[caller] })).body
const ended = async (taskId: string, caller?: Name, category?: string) => {
  await service.until(async () => (await status(taskId, caller, category)).state !== 'running', 'the end of the task')
  return status(taskId, caller, category)
}
const titles = async () => (await service.issues()).map(({ title }) => title)
const asked = async () => {
  await service.until(() => slack.posts.length > 0, 'a request for an approval')
  return slack.posts[0] as (typeof slack.posts)[number]
}
const press = async ({ headers = {}, body }: SentButtonPress) =>
  (await fetch(`${service.url}/v1/notification/slack`, { method: 'POST', headers, body })).status
const respond = async (action: 'approve' | 'reject', user: string) =>
  press(slack.pressButton(await asked(), action, user))
const shown = () => JSON.stringify(slack.posts[0]?.blocks)

describe('An action that needs an approval', () => {
  it('runs once, after as many people as the rule asks for, who see what would be sent', async () => {
    const accepted = await open('Two')
    expect(accepted).toMatchObject({ status: 202, body: { duplicate: false } })
    const { body } = accepted
    await asked()
    for (const text of ['two of sre', 'pipeline', 'Request as of', 'POST ', '/issues', 'ben@example.com'])
      expect(shown()).toContain(text)
    await service.until(
      async () => String((await status(body.taskId)).progress).includes('2 approvals by U0JANE, ben@example.com'),
      'the wait for people',
    )
    expect((await status(body.taskId)).requirements).toEqual([
      { type: 'approval', rule: 'two of sre', count: 2, by: ['U0JANE', 'ben@example.com'] },
    ])
    expect(await respond('approve', 'U0LIZ')).toBe(200)
    expect(slack.ephemerals.at(-1)?.text).toContain('Only U0JANE, ben@example.com may decide this')
    for (const _ of [1, 2]) expect(await respond('approve', 'U0JANE')).toBe(200)
    expect(slack.ephemerals.at(-1)?.text).toContain('1 of 2 have approved: Jane Doe')
    await service.until(() => shown().includes('1 of 2 have approved'), 'the message with one vote')
    expect(await titles()).not.toContain('Two')
    expect(await respond('approve', 'U0BEN')).toBe(200)
    expect(await ended(body.taskId)).toMatchObject({ verdict: 'pass' })
    await service.ended()
    expect((await titles()).filter((title) => title === 'Two')).toHaveLength(1)
    expect(shown()).toContain('Approved by Jane Doe (U0JANE), Ben Roe (U0BEN)')
  })

  it('does not run after one rejection, and says who rejected it', async () => {
    const { body } = await open('Two')
    expect(await respond('approve', 'U0JANE')).toBe(200)
    expect(await respond('reject', 'U0BEN')).toBe(200)
    expect((await ended(body.taskId)).outcome).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: 'Nothing was started: Rejected by Ben Roe (U0BEN).',
    })
  })

  it('shows every field although a long one comes first, and links to the page with the complete request', async () => {
    const { body } = await send(
      'issue-ticketing/open-issue',
      { description: `${'x'.repeat(3_000)}\u2028Request as of 2026-12-02`, labels: ['urgent'], title: 'One' },
      'interactive',
    )
    const { blocks } = await asked()
    for (const text of ['\\"title\\": \\"One\\"', '\\"labels\\": [\\"urgent\\"]', '(3,030 characters)'])
      expect(JSON.stringify(blocks)).toContain(text)
    expect(JSON.stringify(blocks)).toContain('Open the complete request before you decide')
    const [link = ''] = /http[^"]+\/read(?=")/.exec(JSON.stringify(blocks)) ?? []
    const page = await fetch(link)
    expect([page.status, await page.text()]).toEqual([
      200,
      expect.stringContaining(`${'x'.repeat(3_000)}\\u2028Request as of 2026-12-02`),
    ])
    expect((await fetch(link, { method: 'POST', body: 'decision=approve&name=Jane' })).status).toBe(405)
    expect((await fetch(link.replace('/read', ''))).status).toBe(403)
    expect(await respond('reject', 'U0BEN')).toBe(200)
    expect(await ended(body.taskId)).toMatchObject({ verdict: 'fail' })
  })

  it('is not approved by an owner of the caller', async () => {
    const { body } = await open('Other')
    expect(await respond('approve', 'U0JANE')).toBe(200)
    expect(slack.ephemerals.at(-1)?.text).toContain('You requested this approval')
    expect((await status(body.taskId)).state).toBe('running')
    expect(await respond('approve', 'U0BEN')).toBe(200)
    expect(await ended(body.taskId)).toMatchObject({ verdict: 'pass' })
  })

  it('is refused if the owners of its caller must not approve it, and are not known', async () => {
    const { status: code, body } = await open('Other', 'interactive', 'agent')
    expect([code, body.detail]).toEqual([
      403,
      expect.stringContaining('Add "owners" to the entry of agent in the secret callers'),
    ])
  })

  it('does not run if no one decides in time, and its message is closed', async () => {
    const { body } = await open('Short')
    await asked()
    expect((await ended(body.taskId)).outcome).toMatchObject({
      result: 'fail',
      message: expect.stringMatching(
        /^Nothing was started: the call has waited for 5 s\. Waits for an approval, asked in C0RELEASES by the connection ops: short/,
      ),
    })
    await service.ended()
    expect(shown()).toContain('Expired')
  })

  it('closes its message when the call is canceled', async () => {
    const { body } = await open('One')
    await asked()
    const { status: code } = await service.call(`/v1/issue-ticketing/tasks/${body.taskId}/cancel`, undefined, {
      token: tokens.pipeline,
    })
    expect(code).toBe(202)
    expect(await ended(body.taskId)).toMatchObject({ verdict: 'aborted' })
    await service.ended()
    expect(shown()).toContain('Canceled by pipeline')
  })

  it('does not run if the approval cannot be requested', async () => {
    const { body } = await open('Missing')
    expect((await ended(body.taskId)).outcome.message).toContain(
      'Nothing was started: the rule "unknown connection" requires an approval, but the request for it failed. Unknown connection "missing" for notification',
    )
  })

  it('is not sent if what would be sent has changed since people were asked', async () => {
    const { body } = await send('notification/push-update', { text: 'Moved' }, 'interactive&connection=team')
    await asked()
    service.rotate(secretsOf(slack.url.replace('127.0.0.1', 'localhost')))
    expect(await respond('approve', 'U0BEN')).toBe(200)
    expect((await ended(body.taskId, 'pipeline', 'notification')).outcome).toMatchObject({
      result: 'fail',
      message: expect.stringContaining('What would be sent has changed since people were asked, so it was not sent.'),
    })
    service.rotate(secretsOf())
    expect(slack.posts).toHaveLength(1)
  })

  it('is restricted by the input that callers send', async () => {
    const { body } = await send('feature-flags/set-flag', { flag: 'checkout-v2', percentage: 20 }, 'interactive')
    expect(await respond('approve', 'U0BEN')).toBe(200)
    expect(await ended(body.taskId, 'pipeline', 'feature-flags')).toMatchObject({ verdict: 'pass' })
    const free = await send('feature-flags/set-flag', { flag: 'checkout-v2', percentage: 5 }, 'silent')
    expect(free.status).toBe(200)
  })

  it('can break the glass of a freeze', async () => {
    const { body } = await open('Glass')
    expect(await respond('approve', 'U0BEN')).toBe(200)
    expect(await ended(body.taskId)).toMatchObject({ verdict: 'pass' })
  })

  it('is refused as a silent call, which has no task that could wait', async () => {
    for (const title of ['One', 'Glass']) {
      const { status: code, body } = await open(title, 'silent')
      expect([code, body.detail]).toEqual([422, expect.stringContaining('mode=interactive')])
    }
    expect(slack.posts).toEqual([])
  })

  it('is not run again by a repeat of the call', async () => {
    const event = { id: randomUUID(), input: { title: 'One' } }
    const call = () =>
      service.call('/v1/issue-ticketing/open-issue?mode=interactive', event, { token: tokens.pipeline })
    const first = await call()
    expect(await respond('approve', 'U0BEN')).toBe(200)
    await ended(first.body.taskId)
    await service.ended()
    expect(await call()).toMatchObject({ status: 202, body: { taskId: first.body.taskId, duplicate: true } })
    expect(slack.posts).toHaveLength(1)
  })
})

describe('While people decide', () => {
  it('an operator who stops the task closes its message', async () => {
    const { body } = await open('One')
    await asked()
    await service.stopTask(body.taskId)
    await service.until(
      () => shown().includes('Canceled by its task: An operator stopped the task'),
      'the closed message',
    )
    await service.ended()
  })

  it('an operator who stops the task that asks ends the other one at once', async () => {
    const { body } = await open('One')
    await asked()
    const asking = (await service.tasks()).find(
      ({ functionName, status: state }) => functionName.startsWith('notification') && state === 'RUNNING',
    )
    await service.stopTask(asking?.name ?? '')
    expect((await ended(body.taskId)).outcome.message).toBe(
      'Nothing was started: the rule "any approval" requires an approval, but the request for it failed. An operator stopped the task.',
    )
    expect(await respond('approve', 'U0BEN')).toBe(200)
    expect(slack.ephemerals.at(-1)?.text).toContain('Your decision has no effect')
  })
})

describe('A caller', () => {
  it('that is an agent needs an approval of each write, without any rule', async () => {
    expect(await open('By an agent', 'silent', 'agent')).toMatchObject({ status: 422 })
    const { body } = await open('By an agent', 'interactive', 'agent')
    await asked()
    expect(shown()).toContain('The entry of the caller agent')
    expect(await respond('approve', 'U0BEN')).toBe(200)
    expect(await ended(body.taskId, 'agent')).toMatchObject({ verdict: 'pass' })
  })

  it('without writes is refused, and may make dry runs', async () => {
    expect(await open('Never', 'interactive', 'reader')).toMatchObject({
      status: 403,
      body: { detail: 'The entry of reader in the secret callers allows no writes.' },
    })
    expect(await open('Never', 'silent&dryRun=true', 'reader')).toMatchObject({ status: 200 })
  })
})

it('A runtime that is killed while people decide asks no one again, and runs the action once', async () => {
  const event = { id: randomUUID(), input: { title: 'Two' } }
  const call = () => service.call('/v1/issue-ticketing/open-issue?mode=interactive', event, { token: tokens.pipeline })
  const before = (await titles()).filter((title) => title === 'Two').length
  const { body } = await call()
  expect(await respond('approve', 'U0JANE')).toBe(200)
  await service.kill()
  await service.start()
  expect(await call()).toMatchObject({ status: 202, body: { taskId: body.taskId, duplicate: true } })
  expect((await status(body.taskId)).state).toBe('running')
  expect(await respond('approve', 'U0BEN')).toBe(200)
  expect(await ended(body.taskId)).toMatchObject({ verdict: 'pass' })
  await service.ended()
  expect([slack.posts.length, (await titles()).filter((title) => title === 'Two').length]).toEqual([1, before + 1])
})
