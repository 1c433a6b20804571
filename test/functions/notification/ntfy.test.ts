import { describe, expect, test } from '@jest/globals'
import { ntfy } from '../../../functions/notification/providers/ntfy.ts'
import { startNtfy } from '../../../infra/platforms/ntfy.ts'
import { secretsIn } from '../../../shared/fields.ts'
import type { Message, PostedMessage } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, failureOf, keyOf, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(startNtfy)

const client = (options: Parameters<typeof clientOf>[2] = {}, fields?: object) =>
  clientOf(ntfy, ntfy.connection.parse({ baseUrl: server.url, ...(fields ?? { token: server.token }) }), options)
const post = (message: Message, options: Parameters<typeof clientOf>[2] = {}, topic = 'deploys') =>
  ntfy.post(client(options), topic, message)
/** Copies a posted message as a task stores it. */
const saved = (posted: PostedMessage): PostedMessage => JSON.parse(JSON.stringify(posted))
const sent = () => server.calls.at(-1)?.body as Record<string, unknown>

describe('ntfy: post', () => {
  test('publishes the message as text with links', async () => {
    expect(await post(evaluation)).toMatchObject({ id: server.messages[0]?.id })
    expect(sent()).toEqual({
      topic: 'deploys',
      title: 'Evaluation of checkout in production: warning',
      message: [
        'The release is slower than the last one.\n\nThe release may continue.',
        [
          'Project: shop',
          'Score: 75 of 100',
          '✅ error_rate, Value 0.1 %, Target <= 1 %',
          '❌ response_time_p95, Value 812 ms, Target <= 400 ms',
        ].join('\n'),
      ].join('\n\n'),
      priority: 3,
      tags: ['warning'],
      click: 'https://keptn.example.com/bridge/project/shop?x=1&y=(2)',
      actions: [
        { action: 'view', label: 'Bridge', url: 'https://keptn.example.com/bridge/project/shop?x=1&y=(2)' },
        { action: 'view', label: 'Dashboard', url: 'https://dashboards.example.com/d/1' },
      ],
      sequence_id: keyOf(1),
    })
  })

  test.each([
    ['good', 'white_check_mark', 3],
    ['warning', 'warning', 3],
    ['bad', 'x', 4],
    ['neutral', 'information_source', 3],
    ['waiting', 'hourglass_flowing_sand', 4],
  ] as const)('maps the mood %s to the emoji %s', async (mood, tag, priority) => {
    await post({ mood, title: 'Deployed', fields: [], links: [] })
    expect(sent()).toEqual({ topic: 'deploys', message: 'Deployed', priority, tags: [tag], sequence_id: keyOf(1) })
  })

  test('links an approval to the approval page', async () => {
    await post(question)
    const url = question.buttons?.[0]?.url
    expect(sent()).toMatchObject({
      click: url,
      actions: [{ label: 'Decide', url }, { label: 'Bridge' }],
      message: 'Decide until: 2026-12-01 12:00 UTC',
    })
  })

  test('adds further links to the text', async () => {
    const links = [1, 2, 3, 4].map((at) => ({ label: `Page ${at}`, url: `https://example.com/${at}` }))
    await post({ ...question, links })
    expect(sent()['actions']).toMatchObject([{ label: 'Decide' }, { label: 'Page 1' }, { label: 'Page 2' }])
    expect(sent()['message']).toMatch(/\n\nPage 3: https:\/\/example.com\/3\nPage 4: https:\/\/example.com\/4$/)
  })

  test('omits links that are not http, and counts omitted rows', async () => {
    const rows = Array.from({ length: 300 }, (_, at) => ({ mood: 'good' as const, cells: [`objective ${at}`, '1'] }))
    const links = [{ label: 'Run', url: 'javascript:alert(1)' }]
    await post({ ...evaluation, links, table: { columns: ['Objective', 'Value'], rows } })
    expect(sent()).not.toHaveProperty('actions')
    expect(sent()).not.toHaveProperty('click')
    expect(server.messages[0]?.message).toMatch(/\nand 1\d\d more$/)
  })

  test('reports the message of ntfy for a protected topic', async () => {
    const failure = await failureOf(post(evaluation, {}, 'secrets'))
    expect(failure).toMatchObject({ kind: 'refused', message: 'ntfy answered 403 to POST /: forbidden' })
    expect(server.messages).toEqual([])
  })
})

describe('ntfy: replies and updates', () => {
  test('a decision replaces the approval', async () => {
    const posted = saved(await post(question, {}, 'approvals'))
    await ntfy.replace(client({ key: keyOf(9) }), posted, decided)
    expect(server.shown('approvals')).toMatchObject([
      { title: question.title, message: expect.stringMatching(/^Approved by Jane Doe/), tags: ['white_check_mark'] },
    ])
    expect(server.shown('approvals')[0]?.actions).toMatchObject([{ label: 'Bridge' }])
  })

  test('a reminder is a new message with the same link', async () => {
    const posted = saved(await post(question, {}, 'approvals'))
    const reminder: Message = { mood: 'waiting', title: `Still open: ${question.title}`, fields: [], links: [] }
    await ntfy.reply(client(), posted, reminder)
    expect(server.shown('approvals')).toHaveLength(2)
    expect(sent()).toMatchObject({ message: reminder.title, click: question.buttons?.[0]?.url })
  })
})

describe('ntfy: connection', () => {
  test('sends a token, user and password, or no credentials', async () => {
    await ntfy.check(client())
    await ntfy.check(client({}, server.user))
    await ntfy.check(client({}, {}))
    expect(server.calls.map(({ headers }) => headers['authorization'])).toEqual([
      `Bearer ${server.token}`,
      `Basic ${Buffer.from('röbot:a-password-of-a-robot').toString('base64')}`,
      undefined,
    ])
    const expected = ['tk_1234567', 'a-password']
    expect(secretsIn(ntfy.connection, { token: 'tk_1234567', password: 'a-password' })).toEqual(expected)
  })
})

messageConformance(ntfy, {
  start: startNtfy,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  channel: 'deploys',
  refusal: (reason) => ({ error: reason }),
  visible: (server) => server.shown('deploys').length,
  verify({ messages }, { links, buttons }) {
    const shown = messages.at(-1)
    const usable = links.filter(({ url }) => url.startsWith('http') && url.length <= 1_000)
    expect(shown?.actions ?? []).toHaveLength(Math.min(3, usable.length + (buttons ? 1 : 0)))
    if (buttons) expect(shown?.actions?.[0]?.label).toBe('Decide')
    expect(JSON.stringify(shown)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\\u00(?:0|1)/)
  },
  channels: {
    accepted: ['deploys', 'a-b_C9', 'x'.repeat(64)],
    refused: ['', 'a b', '../x', 'a/b', 'ünï', 'x'.repeat(65), 'a\n'],
    words: 'input.channel must be a topic of up to 64 letters, digits, - and _',
  },
})
