import { describe, expect, it } from '@jest/globals'
import type { Task } from '../../shared/core/call.ts'
import { readApproval } from '../../shared/state/approvals.ts'
import { triggered } from './lifecycle.ts'
import { passTime } from './runner.ts'
import { onPage, twoPeople, useApprovals } from './waiting.ts'

const { lifecycle, platform, slack, deploy, run, press } = useApprovals()

const complete = { name: 'complete', approve: { connection: 'ops', complete: true } }
const inSlack = { name: 'in Slack', approve: { connection: 'ops' } }
const shown = () => JSON.stringify(slack.posts.at(-1)?.blocks)
/** Returns the path of the first link in the message that ends so. */
const linkIn = (text: string, end: string) =>
  new RegExp(`https://webhooks\\.example\\.com/v1/notification/(approvals/[^"]+${end})(?=")`).exec(text)?.[1] ?? ''
const open = (path: string, method = 'GET') => lifecycle.request(method, path)
const input = { target: 'deploy', parameters: { a_note: 'x'.repeat(3_000), 'target env': 'production' } }

describe('The link to the complete request', () => {
  it('shows all of it to those who have the link, and decides nothing', async () => {
    deploy([inSlack])
    const { outcome } = await run({
      input,
      async people() {
        expect(shown()).toContain('Open the complete request before you decide')
        const path = linkIn(shown(), '/read')
        const page = await open(path)
        expect(page).toMatchObject({
          statusCode: 200,
          body: expect.stringContaining('This link only shows the request.'),
        })
        expect(page.body).toContain('x'.repeat(3_000))
        expect(page.body).toContain('&quot;parameters&quot;.&quot;target env&quot;: &quot;production&quot;')
        expect(page.body).not.toMatch(/<form|<button|sign-in/)
        expect((await open(path, 'HEAD')).statusCode).toBe(200)
        expect((await open(path, 'POST')).statusCode).toBe(405)
        return press('approve')
      },
    })
    expect([outcome?.result, platform.runs.length]).toEqual(['pass', 1])
  })

  it('of a decision does not open the page that only shows', async () => {
    deploy([onPage])
    await run({
      async people({ id }: Task) {
        const page = platform.messages.find(({ key }) => key === id)?.page ?? ''
        expect((await open(`${page}/read`)).statusCode).toBe(403)
        return lifecycle.decide(page, { decision: 'reject' })
      },
    })
  })

  it('says who has decided, and expires with the approval', async () => {
    deploy([inSlack])
    let path = ''
    await run({
      async people({ id }: Task) {
        path = linkIn(shown(), '/read')
        await press('reject')
        expect((await open(path)).body).toContain('Rejected by Jane Doe')
        const { approval } = (await readApproval(id)) ?? {}
        passTime(((approval?.deadlineAt ?? 0) - Date.now()) / 1_000 + 2)
        expect(await open(path)).toMatchObject({ statusCode: 403, body: expect.stringContaining('has expired') })
      },
    })
    expect(path).toContain('/read')
  })
})

describe('The page of an approval', () => {
  it('shows the complete request to those who decide', async () => {
    deploy([onPage])
    const { outcome } = await run({
      input,
      async people({ id }: Task) {
        const page = platform.messages.find(({ key }) => key === id)?.page ?? ''
        const { body } = await open(page)
        expect(body).toContain('x'.repeat(3_000))
        expect(body).toContain('<form method="post">')
        return lifecycle.decide(page, { decision: 'approve' })
      },
    })
    expect(outcome?.result).toBe('pass')
  })
})

describe('An approval with complete', () => {
  it('is decided on the page only, to which the message links instead of its buttons', async () => {
    deploy([complete])
    const { outcome, asked } = await run({
      async people() {
        expect(shown()).not.toContain('"type":"button"')
        // The token of the other link is only for reading.
        const read = linkIn(shown(), '/read').replace('/read', '')
        expect((await lifecycle.decide(read, { decision: 'approve' })).statusCode).toBe(403)
        const page = linkIn(shown(), '[0-9a-f]{64}')
        expect((await open(page)).body).toContain('<form method="post">')
        return lifecycle.decide(page, { decision: 'approve' })
      },
    })
    expect([outcome?.result, asked.length, platform.runs.length]).toEqual(['pass', 1, 1])
  })

  it('does not ask if the request is too large for the page', async () => {
    deploy([complete])
    const large = { target: 'deploy', parameters: { a: 'x'.repeat(60_000), b: 'x'.repeat(60_000) } }
    const { outcome } = await run({ input: large })
    expect(outcome?.message).toContain(
      'approve with complete needs the complete request, which is too large for the page',
    )
    expect([platform.runs, slack.posts]).toEqual([[], []])
  })

  it.each([
    ['who may decide', { by: ['U0JANE'] }],
    ['that several people decide', { count: 2 }],
  ])(
    'does not ask without a sign-in if it matters %s, because the platform does not identify people there',
    async (_what, more) => {
      deploy([{ ...complete, approve: { ...complete.approve, ...more } }])
      const { outcome } = await run()
      expect(outcome?.message).toContain('needs a sign-in on the page of approvals')
      expect(slack.posts).toEqual([])
    },
  )
})

describe('The result of an action that people have approved', () => {
  it('names them, in its message and in its data', async () => {
    deploy([twoPeople])
    const { outcome } = await run({
      async people() {
        await press('approve')
        return press('approve', 'U0BEN')
      },
    })
    const decided = { decision: 'approve', at: expect.any(String), rule: 'two people' }
    expect(outcome?.message).toMatch(/\. Approved by Jane Doe \(U0JANE\), Ben Roe \(U0BEN\)\.$/)
    expect(outcome?.data).toMatchObject({
      decisions: [
        { ...decided, by: 'Jane Doe (U0JANE)' },
        { ...decided, by: 'Ben Roe (U0BEN)' },
      ],
    })
  })

  it('names the person who has rejected it, after another one has approved', async () => {
    deploy([twoPeople])
    const { outcome } = await run({
      async people() {
        await press('approve')
        return press('reject', 'U0BEN')
      },
    })
    const message = 'Nothing was started: Rejected by Ben Roe (U0BEN).'
    expect(outcome).toMatchObject({
      message,
      data: { decisions: [{ decision: 'approve' }, { decision: 'reject', by: 'Ben Roe (U0BEN)' }] },
    })
  })

  it('has no decisions if no one has decided', async () => {
    deploy([inSlack])
    const { outcome } = await run({ people: async () => 'open' })
    expect([outcome?.result, outcome?.data]).toEqual(['fail', {}])
  })

  it('has decisions that a later task of the same name does not take as its input', async () => {
    deploy([])
    const data = { deploy: { target: 'deploy', decisions: [{ decision: 'approve', by: 'Jane Doe' }] } }
    const event = { ...triggered(), type: 'sh.keptn.event.deploy.triggered', data }
    expect(await lifecycle.post('start-run?connection=job', event)).toMatchObject({ status: 200 })
  })
})
