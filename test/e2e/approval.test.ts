import { createHmac } from 'node:crypto'
import { StopDurableExecutionCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type NtfyServer, startNtfy } from '../../infra/platforms/ntfy.ts'
import { demo } from '../../infra/platforms/sandbox/demo.ts'
import { Service, triggered, until } from './service.ts'

let inbox: NtfyServer
let service: Service
const prefix = 'cloud-automation-webhooks'
/** Laid over the sandbox's own, from the next start on. */
let keys: Record<string, unknown> = {}
const connections = () => ({
  [`${prefix}/connections/notification/inbox`]: {
    ...{ provider: 'ntfy', baseUrl: inbox.url, token: inbox.token, channel: inbox.writable[0] },
  },
})
beforeAll(async () => {
  inbox = await startNtfy()
  service = new Service({ timeScale: 60, secrets: () => ({ ...connections(), ...keys }) })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await inbox.close()
})
beforeEach(() => {
  inbox.calls.length = 0
  inbox.messages.length = 0
})

/** The message that asks, and its link. */
const question = () => inbox.messages.find(({ click }) => click?.includes('/approvals/'))
const approval = (more: object = {}) =>
  triggered({
    type: 'sh.keptn.event.sign-off.triggered',
    data: { project: 'shop', stage: 'production', service: 'checkout', result: 'pass', ...more },
  })
const path = '/v1/notification/ask-approval?connection=inbox&mode=interactive'
/** Asks, and answers the link once the message is there. */
async function ask(query = '&sendStarted=true', event = approval(), input: object = {}) {
  const answer = await service.call(`${path}${query}`, { ...event, input })
  expect(answer).toMatchObject({ status: 202 })
  await until(
    async () => question() !== undefined,
    20,
    () => `a message\n${service.output.slice(-3_000)}`,
  )
  const link = question()?.click ?? ''
  return { event, link, taskId: answer.body.taskId as string }
}
const open = (link: string, init?: RequestInit) => fetch(link, { redirect: 'manual', ...init })
const decide = (link: string, fields: Record<string, string>) =>
  open(link, { method: 'POST', body: new URLSearchParams({ name: 'Jane Doe', ...fields }) })
const finished = async (id: string) => {
  const replies = await service.finishedOf(id)
  expect(replies.finished).toHaveLength(1)
  return { started: replies.started, ...replies.finished[0] }
}

describe('An approval by link', () => {
  it('sends the link through the generic http provider', async () => {
    const event = approval()
    const query = '?connection=tool&mode=interactive'
    expect((await service.call(`/v1/notification/ask-approval${query}`, { ...event, input: {} })).status).toBe(202)
    const rooms = '/sandbox/tool/rooms/releases/messages'
    const posted = async () =>
      (await service.call(rooms, undefined, { method: 'GET', token: demo.toolToken })).body.items
    await until(
      async () => (await posted()).length > 0,
      20,
      () => 'a message',
    )
    const [{ link }] = await posted()
    expect(await (await fetch(`${service.url}/sandbox/tool`)).text()).toContain(`href="${link}"`)
    expect(await (await open(link)).text()).toContain('Approve')
    await decide(link, { decision: 'approve' })
    expect(await finished(event.id)).toMatchObject({ result: 'pass' })
  })

  it('sends the decision, the approver and the reason as its result', async () => {
    const { event, link } = await ask()
    expect(question()?.title).toBe('Approve sign-off of checkout in shop/production?')
    const page = await open(link)
    expect(page.status).toBe(200)
    const html = await page.text()
    expect(html).toContain('Approve sign-off of checkout in shop/production?')
    expect(html).toContain('<form method="post">')
    const decided = await decide(link, { decision: 'approve', reason: 'Looks <good>' })
    expect([decided.status, await decided.text()]).toEqual([
      200,
      expect.stringContaining('Approved by link: Jane Doe: Looks &lt;good&gt;'),
    ])
    expect(await finished(event.id)).toMatchObject({
      started: 1,
      status: 'succeeded',
      result: 'pass',
      message: 'Approved by link: Jane Doe: Looks <good>',
      'sign-off': { decision: 'approved', by: 'link: Jane Doe', reason: 'Looks <good>' },
    })
  })

  it('marks a typed name as not verified', async () => {
    const { event, link } = await ask()
    const name = 'Jane Doe (U0JANE): reviewed\u2067\u202e\n\n@everyone (ok)'
    expect(
      (await decide(link, { decision: 'approve', name, reason: 'fine\u202e\n\nApproved by Ben (U0BEN)' })).status,
    ).toBe(200)
    const by = 'link: Jane Doe U0JANE : reviewed @everyone ok'
    const reason = 'fine Approved by Ben (U0BEN)'
    expect(await finished(event.id)).toMatchObject({
      message: `Approved by ${by}: ${reason}`,
      'sign-off': { by, reason },
    })
  })

  it('fails if it is rejected', async () => {
    const { event, link } = await ask()
    await decide(link, { decision: 'reject' })
    expect(await finished(event.id)).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: 'Rejected by link: Jane Doe',
      'sign-off': { decision: 'rejected' },
    })
  })

  it('has one decision if two people click at once, and shows it to the other', async () => {
    const { event, link } = await ask()
    const answers = await Promise.all(
      ['Ann', 'Bob', 'Cid'].map((name) => decide(link, { name, decision: name === 'Ann' ? 'approve' : 'reject' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    const end = await finished(event.id)
    const by = end['sign-off'].by as string
    for (const text of texts) expect(text).toContain(`by ${by}`)
    expect(texts.filter((text) => text.includes('Already decided'))).toHaveLength(2)
    const late = await decide(link, { decision: 'approve' })
    expect([late.status, await late.text()]).toEqual([409, expect.stringContaining(`Already decided.`)])
    expect(await (await open(link)).text()).toContain('Already decided.')
  })

  it('is not decided by GET or by an incomplete form', async () => {
    const { event, link } = await ask()
    for (const scanned of [link, `${link}?decision=approve`]) expect((await open(scanned)).status).toBe(200)
    expect((await open(link, { method: 'HEAD' })).status).toBe(200)
    const wrong: [Record<string, string>, string][] = [
      [{}, 'Choose Approve or Reject.'],
      [{ decision: 'perhaps' }, 'Choose Approve or Reject.'],
      [{ decision: 'approve', name: ' ' }, 'Enter your name'],
      [{ decision: 'approve', name: '\u202e()' }, 'Enter your name'],
      [{ decision: 'approve', name: 'x'.repeat(101) }, 'Enter your name'],
      [{ decision: 'approve', reason: 'x'.repeat(1_001) }, 'at most 1000 characters'],
    ]
    for (const [fields, message] of wrong) {
      const answer = await decide(link, fields)
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(message)])
    }
    for (const method of ['PUT', 'DELETE', 'PATCH']) expect((await open(link, { method })).status).toBe(405)
    expect((await service.repliesTo(event.id)).finished).toEqual([])
    await decide(link, { decision: 'approve' })
    await finished(event.id)
  })

  it('has a page without scripts, external resources, caching or framing', async () => {
    const { event, link } = await ask('', approval({ service: '<script>alert(1)</script>"\'&' }))
    const page = await open(link)
    const html = await page.text()
    expect(html).not.toContain('<script')
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;')
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'content-security-policy': expect.stringMatching(
        /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/,
      ),
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
    })
    await decide(link, { decision: 'reject' })
    await finished(event.id)
  })

  it('rejects a forged, altered or unknown link, and logs no part of it', async () => {
    const { event, link, taskId } = await ask()
    const [, token = ''] = link.split('/approvals/')
    const [task = '', end = '', signature = ''] = token.split('.')
    expect(task).toBe(taskId)
    const mac = (key: string, claim: string) => createHmac('sha256', key).update(`approval.${claim}`).digest('hex')
    const later = (Number.parseInt(end, 36) + 86_400).toString(36)
    const forged = [
      `${task}.${end}.${signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))}`,
      `${task}.${later}.${signature}`,
      `${'0'.repeat(40)}.${end}.${signature}`,
      `${task}.${end}.${mac('another-key-of-at-least-32-characters', `${task}.${end}`)}`,
      `${task}.${end}`,
      'x',
    ]
    for (const one of forged) {
      const answer = await decide(link.replace(token, one), { decision: 'approve' })
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('This link cannot be used')])
    }
    // Signed with the right key, but there is no such approval.
    const claim = `${'1'.repeat(40)}.${end}`
    expect((await open(link.replace(token, `${claim}.${mac(demo.approvalsKey, claim)}`))).status).toBe(404)
    expect(service.output).not.toContain(signature)
    expect((await service.repliesTo(event.id)).finished).toEqual([])
    await decide(link, { decision: 'approve' })
    await finished(event.id)
  })

  it('fails at the deadline, and its link says so', async () => {
    const { event, link } = await ask('&sendStarted=true&deadline=PT8S')
    expect(await finished(event.id)).toMatchObject({
      status: 'succeeded',
      result: 'fail',
      message: 'Expired: no one decided in time',
      'sign-off': { decision: 'expired' },
    })
    await until(
      async () => (await open(link)).status === 410,
      10,
      () => 'the end of the link',
    )
    expect((await decide(link, { decision: 'approve' })).status).toBe(410)
  })

  it('is either decided or expired if a click arrives at the deadline', async () => {
    // A minute of the task is a second here.
    const { event, link } = await ask('&sendStarted=true&deadline=PT1M')
    let became = 400
    for (let name = 0; became === 400; name++) {
      // Until now nothing could be decided: a name is missing.
      const ready = (await service.repliesTo(event.id)).finished.length > 0 || name > 15
      became = (await decide(link, { decision: 'approve', name: ready ? 'Jane' : '' })).status
    }
    const { result, message } = await finished(event.id)
    expect({ became, result, message }).toEqual(
      became === 200
        ? { became, result: 'pass', message: 'Approved by link: Jane' }
        : { became: 410, result: 'fail', message: 'Expired: no one decided in time' },
    )
  })

  it('survives a crash while it waits and right after the click', async () => {
    const { event, link } = await ask()
    await service.kill()
    await service.start()
    expect((await open(link)).status).toBe(200)
    await service.fault({ target: 'keptn', kind: 'hang', match: { body: '.finished' } })
    expect((await decide(link, { decision: 'approve' })).status).toBe(200)
    await service.kill()
    await service.start()
    await service.clearFaults()
    expect((await decide(link, { decision: 'reject', name: 'Too late' })).status).toBe(409)
    expect(await finished(event.id)).toMatchObject({ started: 1, result: 'pass' })
  })

  it('accepts links of the previous key after a rotation', async () => {
    const restart = async (approvals?: object) => {
      keys = approvals ? { [`${prefix}/approvals`]: approvals } : {}
      await service.kill()
      await service.start()
    }
    const next = 'the-next-key-of-at-least-32-characters'
    const { event, link } = await ask()
    await restart({ key: next, previousKey: demo.approvalsKey })
    expect((await decide(link, { decision: 'approve' })).status).toBe(200)
    expect(await finished(event.id)).toMatchObject({ result: 'pass' })
    await restart({ key: next })
    expect((await open(link)).status).toBe(403)
    await restart()
    expect((await open(link)).status).toBe(200)
  })

  it('is requested once for a repeated event', async () => {
    const event = approval()
    const answers = await Promise.all(
      [1, 2, 3].map(() => service.call(`${path}&sendStarted=true`, { ...event, input: {} })),
    )
    expect(new Set(answers.map(({ body }) => body.taskId)).size).toBe(1)
    await until(
      async () => question() !== undefined,
      20,
      () => 'a message',
    )
    await decide(question()?.click ?? '', { decision: 'approve' })
    await finished(event.id)
    expect(inbox.messages.filter(({ click }) => click?.includes('/approvals/'))).toHaveLength(1)
  })

  it('says that it has ended after Lambda stopped its task', async () => {
    const { event, link } = await ask()
    const { tasks } = (await service.call('/tasks', undefined, { method: 'GET' })).body
    const client = service.lambdaClient()
    const running = tasks.find(
      ({ status, functionName }: { status: string; functionName: string }) =>
        status === 'RUNNING' && functionName === 'notification-task',
    )
    await client.send(new StopDurableExecutionCommand({ DurableExecutionArn: running.arn }))
    const late = await decide(link, { decision: 'approve' })
    expect([late.status, await late.text()]).toEqual([410, expect.stringContaining('This approval has ended')])
    expect(await finished(event.id)).toMatchObject({ status: 'errored' })
  })
})

describe('The callback of an approval', () => {
  it('never appears in a response, an event or a message', async () => {
    const { event, link } = await ask()
    const page = await (await open(link)).text()
    const seen = [page, JSON.stringify(inbox.calls), link, JSON.stringify(await service.events())].join('\n')
    // As Lambda makes them: long base64.
    expect(seen).not.toMatch(/[A-Za-z0-9+/]{100,}={0,2}/)
    await decide(link, { decision: 'approve' })
    await finished(event.id)
  })
})

describe('The standard Keptn task "approval"', () => {
  const standard = (approvals: object, result: string | undefined = 'pass', evaluation?: object) =>
    triggered({
      type: 'sh.keptn.event.approval.triggered',
      data: {
        ...{ project: 'shop', stage: 'production', service: 'checkout', approval: approvals },
        ...(result === '' ? {} : { result }),
        ...(evaluation ? { evaluation } : {}),
      },
    })
  const manual = { pass: 'manual', warning: 'manual' }
  const automatic = { pass: 'automatic', warning: 'automatic' }
  const passAutomatic = { pass: 'automatic', warning: 'manual' }
  const warningAutomatic = { pass: 'manual', warning: 'automatic' }

  it.each([
    ['pass, which is manual', warningAutomatic, 'pass', undefined],
    ['warning, which is manual', passAutomatic, 'warning', undefined],
    ['pass, if the event has no strategy', {}, 'pass', undefined],
    ['not known yet, even if all is automatic', automatic, '', undefined],
    ['not known yet, even if the evaluation has a score', automatic, '', { score: 90 }],
    ['that of an evaluation, which is manual', passAutomatic, '', { result: 'warning' }],
    ['none that Keptn knows', automatic, 'unknown', undefined],
  ])(
    'requests an approval and sends no started event if the result is %s',
    async (_result, strategy, result, evaluation) => {
      const event = standard(strategy, result, evaluation)
      expect(await service.call(path, event)).toMatchObject({ status: 202 })
      await until(
        async () => question() !== undefined,
        20,
        () => 'a message',
      )
      await decide(question()?.click ?? '', { decision: 'approve' })
      expect(await finished(event.id)).toMatchObject({ started: 0, result: 'pass' })
    },
  )

  it.each([
    ['pass, which is automatic', passAutomatic, 'pass', undefined, 'pass'],
    ['warning, which is automatic', warningAutomatic, 'warning', undefined, 'pass'],
    ['fail', manual, 'fail', undefined, 'fail'],
    ['fail, even if all is automatic', automatic, 'fail', undefined, 'fail'],
    ['that of an evaluation, which passed', passAutomatic, '', { result: 'pass' }, 'pass'],
    ['that of an evaluation, which ended with a warning', warningAutomatic, '', { result: 'warning' }, 'pass'],
    ['that of an evaluation, which failed', manual, '', { result: 'fail' }, 'fail'],
    ['pass, although the evaluation failed', passAutomatic, 'pass', { result: 'fail' }, 'pass'],
  ])(
    'leaves the response to approval-service if the result is %s',
    async (_is, strategy, result, evaluation, answer) => {
      const event = standard(strategy, result, evaluation)
      const { status, body } = await service.call(path, event)
      expect([status, body.message]).toEqual([200, expect.stringContaining('was not requested')])
      expect(body.result).toBe(answer)
      expect(await service.repliesTo(event.id)).toEqual({ started: 0, finished: [] })
      expect(inbox.calls).toEqual([])
    },
  )

  it('is decided automatically if sendStarted is set', async () => {
    const passes = standard({ pass: 'automatic', warning: 'manual' })
    await service.call(`${path}&sendStarted=true`, passes)
    expect(await finished(passes.id)).toMatchObject({
      started: 1,
      result: 'pass',
      message: expect.stringContaining('automatically'),
    })
    const fails = standard(manual, 'fail')
    await service.call(`${path}&sendStarted=true`, fails)
    expect(await finished(fails.id)).toMatchObject({ started: 1, result: 'fail' })
    expect(inbox.calls).toEqual([])
  })
})

it('ask-approval rejects a silent call', async () => {
  const { status, body } = await service.call('/v1/notification/ask-approval?connection=inbox', {
    ...approval(),
    input: {},
  })
  expect([status, body.detail]).toEqual([400, expect.stringContaining('Call it with ?mode=interactive')])
})

it('ask-approval rejects approvers if the platform does not identify people', async () => {
  const { status, body } = await service.call(path, { ...approval(), input: { approvers: 'jane' } })
  expect([status, body.detail]).toEqual([
    400,
    expect.stringContaining('people decide on a page that cannot identify them'),
  ])
})
