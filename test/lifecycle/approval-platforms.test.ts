import { beforeAll, describe, expect, it } from '@jest/globals'
import { endApprovals } from '../../shared/approvals/request/end.ts'
import type { Task } from '../../shared/core/call.ts'
import { askingTasksOf } from '../../shared/core/task/ask.ts'
import { startOnce } from '../functions/helpers.ts'
import { startSes } from '../functions/notification/aws-ses/fake.ts'
import { channel, jane as janeOfDiscord, startDiscord } from '../functions/notification/discord/fake.ts'
import { jane as janeOfMattermost, startMattermost } from '../functions/notification/mattermost/fake.ts'
import { startNtfy } from '../functions/notification/ntfy/fake.ts'
import { startServiceNowChange } from '../functions/notification/servicenow-change/fake.ts'
import { lisa, startTelegram, supergroup } from '../functions/notification/telegram/fake.ts'
import { useApprovals } from './waiting.ts'

const { lifecycle, platform, deploy, run } = useApprovals()
const mattermost = startOnce(startMattermost)
const discord = startOnce(startDiscord)
const telegram = startOnce(startTelegram)
const ses = startOnce(startSes)
const ntfy = startOnce(startNtfy)
const changes = startOnce(startServiceNowChange)

const BEN = { mattermost: 'ben0000000000000000000000b', discord: '80351110224678999', telegram: 2_222_222 }

beforeAll(() => {
  const connect = (provider: string, fields: object) => lifecycle.connect(provider, { provider, ...fields })
  connect('mattermost', { baseUrl: mattermost.url, token: mattermost.token, channel: mattermost.channel })
  connect('discord', { baseUrl: discord.url, token: discord.token, publicKey: discord.publicKey, channel })
  const { url: baseUrl, token, webhookSecret } = telegram
  connect('telegram', { baseUrl, token, webhookSecret, channel: String(supergroup) })
  connect('aws-ses', {
    endpoint: ses.url,
    region: 'eu-west-1',
    from: 'deployments@example.com',
    channel: 'ops@example.com',
  })
  connect('ntfy', { baseUrl: ntfy.url, token: ntfy.token, channel: 'approvals' })
  connect('servicenow-change', { baseUrl: changes.url, token: changes.token })
  mattermost.state.users[BEN.mattermost] = {
    username: 'ben',
    email: 'ben@example.com',
    first_name: 'Ben',
    last_name: 'Roe',
  }
  discord.users[BEN.discord] = { username: 'ben', global_name: 'Ben Roe', roles: [] }
  telegram.users[BEN.telegram] = { first_name: 'Ben', last_name: 'Roe', username: 'ben' }
})

const send = (path: string, { body, headers = {} }: { body: string; headers?: object }) =>
  lifecycle.request('POST', path, { body, headers: { 'content-type': 'application/json', ...headers } })

interface Chat {
  press(isFirst: boolean): ReturnType<typeof send>
  /** The newest message. */
  newest(): string
  hasButtons(): boolean
}
const chats: Record<string, Chat> = {
  mattermost: {
    press: (isFirst) =>
      send('mattermost', mattermost.pressButton('approve', isFirst ? janeOfMattermost : BEN.mattermost)),
    newest: () => JSON.stringify(mattermost.state.posts.at(-1)),
    hasButtons: () => JSON.stringify(mattermost.state.posts.at(-1)).includes('"integration"'),
  },
  discord: {
    press: (isFirst) =>
      send(`discord/${discord.publicKey}`, discord.press('Approve', isFirst ? janeOfDiscord : BEN.discord)),
    newest: () => JSON.stringify(discord.messages.at(-1)),
    hasButtons: () => (discord.messages.at(-1)?.components ?? []).length > 0,
  },
  telegram: {
    press: (isFirst) => send('telegram', telegram.press('Approve', isFirst ? lisa : BEN.telegram)),
    newest: () => JSON.stringify(telegram.messages.at(-1)),
    hasButtons: () => telegram.messages.at(-1)?.reply_markup !== undefined,
  },
}

describe('Two people approve an action', () => {
  it.each(Object.entries(chats))(
    'in %s, whose message shows the first one, with the buttons for the other',
    async (connection, chat) => {
      deploy([{ name: 'two people', approve: { connection, count: 2 } }])
      const shown: unknown[] = []
      const { outcome, asked } = await run({
        async people(_asking, wait) {
          const isFirst = wait === 'decision-wake-0'
          if (!isFirst) shown.push(chat.hasButtons(), chat.newest(), platform.runs.length)
          expect((await chat.press(isFirst)).statusCode).toBe(200)
        },
      })
      expect(shown).toEqual([true, expect.stringMatching(/So far.+1 of 2 have approved/), 0])
      expect([outcome?.result, platform.runs.length, chat.hasButtons()]).toEqual(['pass', 1, false])
      expect(chat.newest()).toContain(', Ben Roe')
      expect(asked[0]?.outcome?.message).toMatch(/^Approved by .+, Ben Roe/)
    },
  )
})

describe('An action is approved on the page of a request', () => {
  const sent: [string, () => unknown][] = [
    ['aws-ses', () => ses.state.mails.at(-1)],
    ['ntfy', () => ntfy.state.messages.at(-1)],
  ]
  it.each(sent)('from %s', async (connection, newest) => {
    deploy([{ name: 'one person', approve: { connection } }])
    const { outcome, early } = await run({
      async people() {
        const [, page] =
          /webhooks\.example\.com\/v1\/notification\/(approvals\/[\w.]+)/.exec(JSON.stringify(newest())) ?? []
        expect((await lifecycle.request('GET', page ?? '')).body).toContain('The rule')
        expect(platform.runs).toEqual([])
        expect((await lifecycle.decide(page)).statusCode).toBe(200)
      },
    })
    expect([outcome?.result, early, platform.runs.length]).toEqual(['pass', 0, 1])
    expect(JSON.stringify(newest())).toContain('Approved by link: Jane Doe')
  })
})

describe('The change process of ServiceNow', () => {
  /** Runs a task, and does something once while the process runs. */
  async function process(act: (asking: Task) => unknown = () => undefined) {
    Object.assign(changes.state, { changes: [] })
    deploy([{ name: 'change', approve: { connection: 'servicenow-change' } }])
    let hasActed = false
    const early: number[] = []
    const ended = await run({
      asking: {
        async onCheckpoint(name) {
          if (!name.includes('poll-decision RETRY') || hasActed) return
          hasActed = true
          early.push(platform.runs.length)
          await act(lifecycle.newest())
        },
      },
    })
    expect(early).toEqual([0])
    return ended
  }

  it.each([
    ['approved', 'pass', 1],
    ['rejected', 'fail', 0],
  ] as const)('that ends as %s decides an action', async (approval, result, jobs) => {
    const { outcome } = await process(() => changes.decide(approval, 'Jane Doe', 'looks good'))
    expect([outcome?.result, platform.runs.length]).toEqual([result, jobs])
    if (jobs === 0) expect(outcome?.message).toBe('Nothing was started: Rejected by Jane Doe: looks good.')
  })

  it('that no one decides starts nothing, and is withdrawn', async () => {
    const { outcome } = await process()
    const message =
      'Nothing was started: the call has waited for 2 h. Waits for an approval, asked by the connection servicenow-change: change'
    expect([outcome?.result, outcome?.message, platform.runs]).toEqual(['fail', expect.stringContaining(message), []])
    expect(changes.state.changes).toMatchObject([{ state: '4', work_notes: 'Expired: no one decided in time' }])
  })

  it('that is withdrawn there starts nothing', async () => {
    const { outcome } = await process(() => Object.assign(changes.state.changes[0] ?? {}, { state: '4' }))
    expect([outcome?.message, platform.runs]).toEqual(['Nothing was started: Canceled by ServiceNow.', []])
  })

  it('is withdrawn soon if the call is canceled', async () => {
    const startedAt = Date.now()
    await process(async ({ approvalOf }) => {
      const { taskId = '', until = 0 } = approvalOf ?? {}
      expect(await lifecycle.command('cancel', taskId)).toMatchObject({ status: 202 })
      // The waiting task does this when it is woken, which runs at the same time.
      await endApprovals(
        (await askingTasksOf(taskOf(taskId))).map(({ id }) => ({ id, until })),
        canceled,
      )
    })
    expect((Date.now() - startedAt) / 1_000).toBeLessThan(600)
    expect(changes.state.changes).toMatchObject([{ state: '4', work_notes: 'Canceled by keptn' }])
    expect(platform.runs).toEqual([])
  })
})

const canceled = { decision: 'cancel' as const, by: 'keptn', at: new Date().toISOString() }
const taskOf = (id: string) => lifecycle.invocations.find(({ name }) => name === id)?.payload as Task
