import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Service, triggered } from '../../../e2e/service.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { waitForAll } from '../../../wait-for-all.ts'
import { itInBrowser, launchBrowser, violations } from './chromium.ts'

const policyFile = join(temporaryFolder(), 'policy.yaml')
writeFileSync(
  policyFile,
  `timeZone: Europe/Vienna
approval: { connection: default, channel: "#releases" }
rules:
  - name: no rollouts
    when: { actions: [feature-flags/*], input: "percentage > \`10\`" }
    deny: Ask the owners
  - name: migration
    when: { actions: [issue-ticketing/open-issue] }
    freeze: [{ from: 2026-01-01, to: 2999-12-31, reason: Migration of the tracker }]
    otherwise: wait
    waitAtMost: P3D
  - name: every day
    when: { actions: [issue-ticketing/open-issue] }
    only: { days: mon-sun }
    otherwise: wait
  - name: never
    when: { actions: [issue-ticketing/update-issue] }
    freeze: [{ from: 2026-01-01, to: 2999-12-31 }]
    otherwise: wait
    waitAtMost: PT1S
  - name: two people
    when: { actions: [ci-cd/trigger-deployment] }
    approve: { count: 2, by: [jane@example.com, ben@example.com] }
  - name: one runbook
    when: { actions: [remediation/run-runbook] }
    oneAtATime: { per: "{connection}" }
`,
)

const service = new Service({ policyFile })
// biome-ignore lint/suspicious/noExplicitAny: the tests check the structure.
const read = async (path: string): Promise<any> =>
  (await service.call(`/console/${path}`, undefined, { method: 'GET' })).body
let [waiting, failed, approval] = ['', '', '']
beforeAll(async () => {
  await service.start()
  const start = async (path: string, body: Record<string, unknown>) =>
    (await service.call(`/v1/${path}?mode=interactive`, triggered(body))).body.taskId
  await service.call('/v1/issue-ticketing/open-issue', { input: { title: 'During the migration' } })
  waiting = await start('issue-ticketing/open-issue', { input: { title: 'After the migration' } })
  failed = await start('issue-ticketing/update-issue', { input: { id: 'demo/shop#1', comment: 'No' } })
  approval = await start('notification/ask-approval', {
    type: 'sh.keptn.event.sign-off.triggered',
    input: { question: 'Release?', approvers: 'jane' },
  })
  await service.call('/v1/feature-flags/set-flag', { input: { flag: 'checkout', percentage: 50 } })
  const isReady = async () => {
    const [first, second, third] = await waitForAll([waiting, failed, approval].map((id) => read(`calls/${id}`)))
    const isWaiting = first.policyWait && second.verdict === 'fail' && third.verdict === 'waiting'
    // The list is updated in batches.
    return isWaiting && (await read('policy')).waiting.length === 2
  }
  await service.until(isReady, 'the calls that wait, and the one that fails')
})
afterAll(() => service.end())

describe('the console of a runtime with a policy', () => {
  it('shows each rule in a sentence, its state, and how many calls it matched and refused', async () => {
    const { policy } = await read('policy')
    expect(policy).toMatchObject({
      enforce: true,
      rules: [
        {
          name: 'no rollouts',
          text: 'Calls of feature-flags/* if percentage > `10` are refused: Ask the owners.',
          state: '',
          matched: 1,
          refused: 1,
        },
        {
          name: 'migration',
          state: 'Closed until Wednesday, 3000-01-01 00:00 Europe/Vienna (Migration of the tracker)',
          matched: 2,
          refused: 1,
        },
        { name: 'every day', state: 'Open', matched: 2, refused: 0 },
        { name: 'never', matched: 1 },
        {
          name: 'two people',
          text: 'Calls of ci-cd/trigger-deployment start after 2 approvals of jane@example.com, ben@example.com, asked in #releases by the connection default. Their tasks wait for at most 4 h.',
          state: '',
        },
        { name: 'one runbook', text: expect.stringContaining('run one at a time for {connection}') },
      ],
    })
  })

  it('shows what the rules decided, with the call, newest first', async () => {
    const { decisions } = await read('policy')
    expect(decisions).toMatchObject([
      {
        name: 'feature-flags/set-flag',
        origin: 'with default from demo',
        detail: 'no rollouts',
        effect: 'Refused',
        isRefused: true,
      },
      { call: failed, detail: 'never', effect: 'Accepted, may wait', isRefused: false },
      { call: waiting, name: 'issue-ticketing/open-issue', detail: 'migration, every day' },
      { detail: 'migration', effect: 'Refused: silent, cannot wait', isRefused: true },
    ])
    const { verdict, text } = await read(`calls/${decisions[0].call}`)
    expect([verdict, text]).toEqual(['refused', expect.stringContaining('no rollouts')])
  })

  it('shows what waits, for whom and until when, oldest first', async () => {
    const { at, deadlineAt } = await read(`calls/${approval}`)
    expect((await read('policy')).waiting).toMatchObject([
      {
        call: waiting,
        name: 'issue-ticketing/open-issue incident-demo/production/casdemoapp',
        detail: expect.stringMatching(/^migration: Closed until Wednesday, 3000-01-01 00:00 .*\)$/),
      },
      { call: approval, at, detail: expect.stringContaining('Release? Asked: jane'), until: deadlineAt },
    ])
  })

  it('shows each requirement in the course of a call, and when the wait ends', async () => {
    const { at, deadlineAt, policyWait, waterfall } = await read(`calls/${waiting}`)
    expect(waterfall.rows.map(({ name, note }: { name: string; note: string }) => `${name}: ${note}`)).toEqual([
      'Received: ',
      'Accepted: 202',
      'Window: migration: closed until 3000-01-01',
      'Window: every day: open',
      'Waits at most: then failed',
    ])
    const days = (until: number) => Math.round((until - at) / 86_400_000)
    // The deadline of the action counts from the moment when the windows are open.
    expect([days(policyWait.until), deadlineAt > policyWait.until]).toEqual([3, true])
    const ended = await read(`calls/${failed}`)
    expect(ended.waterfall.rows).toContainEqual(
      expect.objectContaining({ name: 'Window: never', note: 'did not open', tone: 'bad' }),
    )
  })
})

describe('a turn', () => {
  it('is a row with the time until the task takes it', async () => {
    const start = async (outcome: string) => {
      const event = triggered({ input: { target: 'clear-cache', parameters: { outcome } } })
      return (await service.call('/v1/remediation/run-runbook?mode=interactive', event)).body.taskId
    }
    const turnOf = async (id: string) => {
      const { waterfall, policyWait } = await read(`calls/${id}`)
      const row = waterfall.rows.find(({ name }: { name: string }) => name === 'Turn: one runbook')
      return [row?.note, policyWait?.requirements[0].text]
    }
    const first = await start('hang')
    await service.until(async () => (await turnOf(first))[0] === 'taken', 'the first turn')
    const second = await start('pass')
    const waits = async () => /remediation\/default/.test((await turnOf(second))[1])
    await service.until(waits, 'the wait for the turn')
    expect((await turnOf(second))[0]).toBe('waits')
    expect((await read('policy')).lanes).toEqual([
      {
        target: 'remediation/default',
        rule: 'one runbook',
        holder: { call: first, caller: 'demo', until: expect.any(Number) },
        waiting: [{ call: second, caller: 'demo' }],
      },
    ])
    await service.call(`/v1/remediation/tasks/${second}/cancel`)
    await service.until(async () => (await turnOf(second))[0] === 'not taken', 'the end of the wait')
  })
})

describe('an approval before an action', () => {
  const asked = async () =>
    (await service.list('messages')).find(({ text }: { text: string }) => text.includes('two people'))
  const approve = async (user: 'jane' | 'ben') => service.press(await asked(), 'approve', user)
  const rowOf = async (id: string, name: string) =>
    (await read(`calls/${id}`)).waterfall.rows.find((row: { name: string }) => row.name === name)

  it('is a row that leads to the task that asks, with the votes so far, and then with the decision', async () => {
    const event = triggered({ type: 'sh.keptn.event.deployment.triggered' })
    const { taskId } = (await service.call('/v1/ci-cd/trigger-deployment?mode=interactive', event)).body
    const row = () => rowOf(taskId, 'Approval: two people')
    await service.until(async () => (await row())?.note === '0 of 2', 'the request')
    const { call: id } = await row()
    // It also waits for a short time before the message is sent.
    await service.until(asked, 'the message')
    await service.until(async () => (await read(`calls/${id}`)).verdict === 'asking', 'the wait for people')
    const asking = await read(`calls/${id}`)
    expect(asking).toMatchObject({ verdict: 'asking', approval: { count: 2, votes: [], neededBy: { id: taskId } } })
    // The task that asks is not another wait.
    expect((await read('policy')).waiting.map(({ call }: { call: string }) => call)).toEqual([
      waiting,
      approval,
      taskId,
    ])
    const { policyWait } = await read(`calls/${taskId}`)
    expect(policyWait.requirements).toMatchObject([
      { rule: 'two people', text: '2 approvals by jane@example.com, ben@example.com (0 of 2 have approved)' },
    ])
    await approve('jane')
    await service.until(async () => (await row()).note === '1 of 2', 'the first vote')
    // The task was woken: it did not find the vote with a later check.
    expect(service.output).toContain('"name":"require-wait-woken-0"')
    // The task that asks reads the vote, and waits again.
    const votes = async () => (await read(`calls/${id}`)).approval?.votes ?? []
    await service.until(async () => (await votes()).length > 0, 'the vote in the task that asks')
    expect(await votes()).toEqual(['Jane Doe (U0JANE)'])
    await approve('ben')
    await service.until(async () => (await row()).note === 'approved', 'the decision')
    expect(await row()).toMatchObject({ tone: 'plain', call: id })
  })
})

itInBrowser('the pages of a policy, and of a call that waits for it, are accessible and fit a phone', async () => {
  const browser = await launchBrowser()
  try {
    const page = await (await browser.newContext({ reducedMotion: 'reduce' })).newPage()
    for (const [hash, text] of [
      ['policy', 'the call that has the turn'],
      [`calls/${waiting}`, 'Required by the policy'],
    ] as const) {
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.goto(`${service.url}/#/${hash}`)
      await page.getByText(text).first().waitFor()
      expect(await violations(page)).toEqual([])
      await page.setViewportSize({ width: 320, height: 640 })
      const isNarrow = () => page.evaluate<boolean>('document.documentElement.scrollWidth === 320')
      await service.until(isNarrow, 'the narrow layout', 10)
    }
  } finally {
    await browser.close()
  }
})
