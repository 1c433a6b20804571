import { createHmac } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { readApproval } from '../../shared/state/approvals.ts'
import { APPROVALS_KEY, triggered } from './lifecycle.ts'
import { useLifecycle } from './platform.ts'
import { passTime } from './runner.ts'

const { lifecycle, platform } = useLifecycle()

const target = 'ask-approval?connection=chat'
/** The path of the page of the first approval. */
const page = () => platform.messages[0]?.page ?? ''
const open = (method = 'GET', path = page()) => lifecycle.request(method, path)
const decide = (fields: Record<string, string>, path = page()) => lifecycle.decide(path, fields)
/** Requests an approval, does something while it is open, and approves it. */
async function whileOpen(act: () => Promise<void>, event: object = {}) {
  const task = await lifecycle.call(target, event, {
    onWait: async () => {
      await act()
      expect((await decide({ decision: 'approve' })).statusCode).toBe(200)
    },
  })
  expect(task.outcome).toMatchObject({ result: 'pass' })
  return task
}

describe('The page of an approval', () => {
  it('marks a typed name as not verified', async () => {
    const onWait = async () => {
      const name = 'Jane Doe ﹙U0JANE﹚: ❨reviewed❩\u2067\u202e\n\n@everyone （ok) ＜U0BEN＞'
      await decide({ decision: 'approve', name, reason: 'fine\u202e\n\nApproved by Ben (U0BEN)' })
    }
    const { outcome } = await lifecycle.call(target, {}, { onWait })
    const by = 'link: Jane Doe U0JANE : reviewed @everyone ok U0BEN'
    const reason = 'fine Approved by Ben (U0BEN)'
    expect(outcome).toMatchObject({ message: `Approved by ${by}: ${reason}`, data: { by, reason } })
  })

  it('does not decide if it is only opened', async () => {
    await whileOpen(async () => {
      expect((await open()).statusCode).toBe(200)
      expect((await open('HEAD')).statusCode).toBe(200)
      for (const method of ['PUT', 'DELETE', 'PATCH']) expect((await open(method)).statusCode).toBe(405)
    })
  })

  it('no longer decides at the deadline, while its link is still valid', async () => {
    const statuses: number[] = []
    const onWait = async () => {
      const [taskId = ''] = page().replace('approvals/', '').split('.')
      const { approval } = (await readApproval(taskId)) ?? {}
      passTime(((approval?.deadlineAt ?? 0) - Date.now()) / 1_000)
      statuses.push((await open()).statusCode, (await decide({ decision: 'approve' })).statusCode)
    }
    const { outcome } = await lifecycle.call(`${target}&deadline=PT10M`, {}, { onWait })
    expect(statuses.slice(0, 2)).toEqual([410, 410])
    expect(outcome).toMatchObject({ result: 'fail', message: expect.stringContaining('Expired') })
  })

  it.each([
    [{}, 'Choose Approve or Reject.'],
    [{ decision: 'perhaps' }, 'Choose Approve or Reject.'],
    [{ decision: 'approve', name: ' ' }, 'Enter your name'],
    [{ decision: 'approve', name: '\u202e()' }, 'Enter your name'],
    [{ decision: 'approve', name: '\u200b' }, 'Enter your name'],
    [{ decision: 'approve', name: '\u3164 \u00ad.' }, 'Enter your name'],
    [{ decision: 'approve', name: 'x'.repeat(101) }, 'Enter your name'],
    [{ decision: 'approve', reason: 'x'.repeat(1_001) }, 'at most 1000 characters'],
  ])('does not decide with the incomplete form %j', async (fields: Record<string, string>, message) => {
    await whileOpen(async () => {
      const { statusCode, body } = await decide(fields)
      expect([statusCode, body]).toEqual([400, expect.stringContaining(message)])
    })
  })

  it('shows where links lead, none of which is named like a decision', async () => {
    const labels = { 'Approve now ✔': 'https://evil.example.com/a', pipeline: 'https://ci.example.com:8443/33' }
    const readLinks = async () => {
      const { body } = await open()
      expect([...body.matchAll(/<a [^>]*>([^<]*)</g)].map(([, label]) => label)).toEqual([
        'evil.example.com',
        'ci.example.com:8443: pipeline',
      ])
    }
    await whileOpen(readLinks, { data: { ...triggered().data, labels } })
  })

  it('has no scripts, external resources, caching or framing', async () => {
    const data = { ...triggered().data, service: '<script>alert(1)</script>"\'&' }
    const policy = /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/
    const readPage = async () => {
      const { headers, body } = await open()
      expect(body).not.toContain('<script')
      expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;')
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringMatching(policy),
        'referrer-policy': 'same-origin',
        'cache-control': 'no-store',
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff',
      })
    }
    await whileOpen(readPage, { data })
  })

  it('rejects a forged, altered or unknown link', async () => {
    await whileOpen(async () => {
      const [task = '', end = '', signature = ''] = page().replace('approvals/', '').split('.')
      // test/security/signatures.test.ts alters links in every way.
      for (const token of [`${'0'.repeat(40)}.${end}.${signature}`, `${task}.${end}`, 'x']) {
        const { statusCode, body } = await decide({ decision: 'approve' }, `approvals/${token}`)
        expect([statusCode, body]).toEqual([403, expect.stringContaining('This link cannot be used')])
      }
      // Signed with the right key, but there is no such approval.
      const claim = `${'1'.repeat(40)}.${end}`
      const known = createHmac('sha256', APPROVALS_KEY).update(`approval.${claim}`).digest('hex')
      expect((await open('GET', `approvals/${claim}.${known}`)).statusCode).toBe(404)
    })
  })
})

describe('The standard Keptn task "approval"', () => {
  const standard = (approval: object, result: string | undefined, evaluation?: object) => ({
    ...triggered(),
    type: 'sh.keptn.event.approval.triggered',
    data: { ...triggered().data, approval, result, evaluation },
  })
  const manual = { pass: 'manual', warning: 'manual' }
  const automatic = { pass: 'automatic', warning: 'automatic' }
  const passAutomatic = { pass: 'automatic', warning: 'manual' }
  const warningAutomatic = { pass: 'manual', warning: 'automatic' }

  it.each([
    ['pass, which is manual', warningAutomatic, 'pass', undefined],
    ['warning, which is manual', passAutomatic, 'warning', undefined],
    ['pass, if the event has no strategy', {}, 'pass', undefined],
    ['not known yet, even if all is automatic', automatic, undefined, undefined],
    ['not known yet, even if the evaluation has a score', automatic, undefined, { score: 90 }],
    ['that of an evaluation, which is manual', passAutomatic, undefined, { result: 'warning' }],
    ['none that Keptn knows', automatic, 'unknown', undefined],
  ])('requests an approval if the result is %s', async (_result, strategy, result, evaluation) => {
    const isAsked = async () => expect(platform.messages).toHaveLength(1)
    await whileOpen(isAsked, standard(strategy, result, evaluation))
  })

  it.each([
    ['pass, which is automatic', passAutomatic, 'pass', undefined, 'pass'],
    ['warning, which is automatic', warningAutomatic, 'warning', undefined, 'pass'],
    ['fail', manual, 'fail', undefined, 'fail'],
    ['fail, even if all is automatic', automatic, 'fail', undefined, 'fail'],
    ['that of an evaluation, which passed', passAutomatic, undefined, { result: 'pass' }, 'pass'],
    ['that of an evaluation, which ended with a warning', warningAutomatic, undefined, { result: 'warning' }, 'pass'],
    ['that of an evaluation, which failed', manual, undefined, { result: 'fail' }, 'fail'],
    ['pass, although the evaluation failed', passAutomatic, 'pass', { result: 'fail' }, 'pass'],
  ])(
    'leaves the response to approval-service if the result is %s',
    async (_result, strategy, result, evaluation, answer) => {
      const before = lifecycle.invocations.length
      const { status, body } = await lifecycle.post(
        `${target}&mode=interactive`,
        standard(strategy, result, evaluation),
      )
      expect([status, body.message]).toEqual([200, expect.stringContaining('was not requested')])
      expect(body.result).toBe(answer)
      expect([lifecycle.invocations.length, platform.calls]).toEqual([before, []])
    },
  )

  it.each([
    ['pass', { pass: 'automatic', warning: 'manual' }],
    ['fail', manual],
  ])('is decided automatically as %s if sendStarted is set', async (result, strategy) => {
    const { sent, outcome } = await lifecycle.call(target, standard(strategy, result))
    expect(sent).toEqual(['started', 'finished'])
    expect(outcome).toMatchObject({ result })
    expect(platform.calls).toEqual([])
  })

  it('sends no started event by default', async () => {
    const options = { onWait: async () => void (await decide({ decision: 'approve' })) }
    const { sent } = await lifecycle.call(`${target}&sendStarted=false`, standard(manual, 'pass'), options)
    expect(sent).toEqual(['finished'])
  })
})

describe('A call that requests an approval', () => {
  const namesApprovers = 'names approvers and the platform does not identify people'
  const cannotIdentify = 'people decide on a page that cannot identify them'
  it.each([
    ['is silent', 'silent', {}, 'Call it with ?mode=interactive'],
    [namesApprovers, 'interactive', { approvers: 'jane' }, cannotIdentify],
  ])('is rejected if it %s', async (_what, mode, input, reason) => {
    const body = { detail: expect.stringContaining(reason) }
    expect(await lifecycle.post(`${target}&mode=${mode}`, { ...triggered(), input })).toMatchObject({
      status: 400,
      body,
    })
  })
})
