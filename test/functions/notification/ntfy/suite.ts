import { expect, test } from '@jest/globals'
import { ntfy } from '../../../../functions/notification/ntfy/ntfy.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { reminder, testMessages } from '../../messages.ts'
import { evaluation, question } from '../messages.ts'
import type { Notification } from './fake.ts'

/** An ntfy, real or fake. */
interface AnyNtfy extends Served {
  token: string
  user: { username: string; password: string }
  state: { messages: Notification[] }
  /** Returns the visible messages of a topic. */
  shown(topic: string): Notification[]
}

const bridge = 'https://keptn.example.com/bridge/project/shop?x=1&y=(2)'
const page = question.buttons?.[0]?.url
const pages = [1, 2, 3, 4].map((at) => ({ label: `Page ${at}`, url: `https://example.com/${at}` }))
const rows = Array.from({ length: 300 }, (_, at) => ({ mood: 'good' as const, cells: [`objective ${at}`, '1'] }))
const text = [
  'The release is slower than the last one.\n\nThe release may continue.\n',
  'Project: shop',
  'Score: 75 of 100',
  '✅ error_rate, Value 0.1 %, Target <= 1 %',
  '❌ response_time_p95, Value 812 ms, Target <= 400 ms',
].join('\n')

/** Registers the tests that pass with a real ntfy and with the fake. */
export function testNtfy<S extends AnyNtfy>(platform: { start(): Promise<S>; lacksNeeds?: true }) {
  const { server, post, ...suite } = testMessages(ntfy, {
    ...platform,
    connection: ({ url, token }) => ({ baseUrl: url, token }),
    channel: 'deploys',
    refusal: (reason) => ({ error: reason }),
    visible: (server) => server.shown('deploys').length,
    verify({ state }, { links, buttons }) {
      const shown = state.messages.at(-1)
      const usable = links.filter(({ url }) => url.startsWith('http') && url.length <= 1_000)
      expect(shown?.actions ?? []).toHaveLength(Math.min(3, usable.length + (buttons ? 1 : 0)))
      if (buttons) expect(shown?.actions?.[0]?.label).toBe('Decide')
      // ntfy turns a text that is too long into an attachment.
      expect(shown).not.toHaveProperty('attachment')
      expect(JSON.stringify(shown)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\\u00(?:0|1)/)
    },
    checks: [
      { requests: [{ headers: { authorization: expect.stringMatching(/^Bearer tk_/) } }] },
      {
        connection: ({ user }) => ({ token: undefined, ...user }),
        requests: [{ headers: { authorization: expect.stringMatching(/^Basic /) } }],
      },
      {
        connection: { token: undefined },
        requests: [{ headers: expect.not.objectContaining({ authorization: expect.anything() }) }],
      },
    ],
    channels: {
      accepted: ['deploys', 'a-b_C9', 'x'.repeat(64)],
      refused: ['', 'a b', '../x', 'a/b', 'ünï', 'x'.repeat(65), 'a\n'],
      message: 'input.channel must be a topic of up to 64 letters, digits, - and _',
    },
    newest: ({ state }) => state.messages.at(-1),
    posted: ({ state }) => ({ id: state.messages[0]?.id }),
    shows: {
      evaluation: {
        topic: 'deploys',
        title: evaluation.title,
        message: text,
        click: bridge,
        actions: [
          { action: 'view', label: 'Bridge', url: bridge },
          { action: 'view', label: 'Dashboard', url: 'https://dashboards.example.com/d/1' },
        ],
      },
      question: {
        click: page,
        message: 'Decide until: 2026-12-01 12:00 UTC',
        actions: [{ label: 'Decide', url: page }, { label: 'Bridge' }],
      },
      decided: {
        title: question.title,
        message: expect.stringMatching(/^Approved by Jane Doe/),
        tags: ['white_check_mark'],
        click: 'https://keptn.example.com/bridge',
        actions: [{ label: 'Bridge' }],
      },
      reminder: { message: reminder.title, click: page },
    },
    posts: [
      {
        name: 'a title alone',
        message: { mood: 'good' },
        shown: { message: 'Deployed', priority: 3, tags: ['white_check_mark'] },
      },
      {
        name: 'a warning',
        message: { mood: 'warning' },
        shown: { priority: 3, tags: ['warning'] },
      },
      { name: 'the sequence of the event', message: {}, shown: { sequence_id: keyOf(1) } },
      { name: 'bad news', message: { mood: 'bad' }, shown: { priority: 4, tags: ['x'] } },
      { name: 'news', message: { mood: 'neutral' }, shown: { priority: 3, tags: ['information_source'] } },
      { name: 'what waits', message: { mood: 'waiting' }, shown: { priority: 4, tags: ['hourglass_flowing_sand'] } },
      {
        name: 'further links in the text',
        message: { ...question, links: pages },
        shown: {
          actions: [{ label: 'Decide' }, { label: 'Page 1' }, { label: 'Page 2' }],
          message: expect.stringMatching(/\n\nPage 3: https:\/\/example.com\/3\nPage 4: https:\/\/example.com\/4$/),
        },
      },
      {
        name: 'how many rows were omitted',
        message: { ...evaluation, table: { columns: ['Objective', 'Value'], rows } },
        shown: { message: expect.stringMatching(/\nand 1\d\d more$/) },
      },
    ],
    refused: [
      { name: 'a protected topic', channel: 'secrets', reason: 'ntfy answered 403 to POST /: forbidden' },
      { name: 'a topic that it may only read', channel: 'readings', reason: 'ntfy answered 403 to POST /: forbidden' },
      { name: 'an invalid topic', channel: 'a b', reason: 'topic invalid' },
    ],
  })

  test('ntfy omits links that are not http', async () => {
    await post({ ...evaluation, links: [{ label: 'Run', url: 'javascript:alert(1)' }] })
    expect(server.calls.at(-1)?.body).not.toHaveProperty('actions')
    expect(server.calls.at(-1)?.body).not.toHaveProperty('click')
  })

  test('ntfy does not let everyone post', async () => {
    await expectFailure(post(evaluation, { connection: { token: undefined } }), 'refused', 'forbidden')
  })
  return { server, post, ...suite }
}
