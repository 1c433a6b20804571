import { describe, expect, test } from '@jest/globals'
import { mattermost } from '../../../../functions/notification/mattermost/mattermost.ts'
import { bareName, refusalFor } from '../../../../shared/approvals/may-decide.ts'
import { expectFailure, keyOf } from '../../helpers.ts'
import { MOOD_TITLES, moods, testMessages } from '../../messages.ts'
import { decided, evaluation, question } from '../messages.ts'
import { jane, type MattermostServer, startMattermost } from './fake.ts'
import { html } from './html.ts'

const channel = 'deploys000000000000000000d'
const token = question.buttons?.[0]?.token
const attachmentIn = ({ state }: MattermostServer) => state.posts.at(-1)?.props.attachments?.[0]

const { server, connection, client, post, save } = testMessages(mattermost, {
  start: startMattermost,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  channel,
  visible: ({ state }) => state.posts.length,
  channels: {
    accepted: [channel, 'ops/deployments', 'my-team/off-topic_2'],
    refused: [
      '',
      'deployments',
      '~deployments',
      '../users/me',
      'ops/a/b',
      'ops/',
      'DEPLOYS000000000000000000D',
      '@jane',
    ],
    message: 'input.channel must be a channel id, or team and name',
  },
  verify(server, { links, buttons = [] }) {
    const { text = '', actions = [] } = attachmentIn(server) ?? {}
    const json = JSON.stringify(server.state.posts.at(-1)?.props)
    expect([...json].length).toBeLessThan(800_000)
    expect(json.replace(/\]\(\S+?\)/g, '')).not.toMatch(/@(?!\u200b)[\p{L}\d]/u)
    // Half of a character.
    expect(json).not.toMatch(/\\ud[89a-f]/)
    expect(actions).toHaveLength(buttons.length)
    const shown = html(text)
    expect(shown.match(/<a href/g) ?? []).toHaveLength(links.filter(({ url }) => url.startsWith('http')).length)
    expect(shown).not.toMatch(/<(?:img|script|h\d|ul|ol|pre|code|em|strong|del|hr|blockquote)/)
  },
  newest: ({ state }) => ({
    ...state.posts.at(-1),
    actions: undefined,
    ...state.posts.at(-1)?.props.attachments?.[0],
  }),
  posted({ url, state }) {
    const id = state.posts[0]?.id
    return { id, url: `${url}/_redirect/pl/${id}` }
  },
  shows: {
    evaluation: {
      channel_id: channel,
      root_id: '',
      message: '',
      color: 'warning',
      fallback: '⚠️ Evaluation of checkout in production: warning',
      title: '⚠️ Evaluation of checkout in production&#58; warning',
      fields: [
        { title: 'Project', value: 'shop', short: true },
        { title: 'Score', value: '75 of 100', short: true },
      ],
      text: [
        'The release is slower than the last one.\n\nThe release may continue.\n',
        '| Objective | Value | Target |\n| --- | --- | --- |',
        '| ✅ error&#95;rate | 0.1 % | &#60;= 1 % |\n| ❌ response&#95;time&#95;p95 | 812 ms | &#60;= 400 ms |\n',
        '[Bridge](https://keptn.example.com/bridge/project/shop?x=1&y=%282%29) · [Dashboard](https://dashboards.example.com/d/1)',
      ].join('\n'),
    },
    question: {
      actions: [
        { id: 'approve', type: 'button', name: 'Approve', style: 'good' },
        { id: 'reject', type: 'button', name: 'Reject', style: 'danger' },
      ],
    },
    decided: { color: 'good', text: expect.stringMatching(/^Approved by Jane Doe/), actions: undefined },
    reminder: { title: '⏳ Still open', channel_id: channel, root_id: expect.stringMatching(/./) },
  },
  posts: moods(
    ...['good', 'warning', 'danger', '#8b8fa7', '#1c58d9'].map((color, at) => {
      const title = MOOD_TITLES[at]
      return { color, title, fallback: title }
    }),
  ),
  refused: [
    {
      name: 'a channel without the bot',
      channel: 'secret00000000000000000000',
      reason: '403 to POST /api/v4/posts: You do not have the',
    },
    { name: 'an unknown channel', channel: 'ops/nowhere', reason: 'Channel does not exist.' },
  ],
})

describe('Mattermost: posts', () => {
  const find = (at = channel) => mattermost.find(client({ isRetry: true }), at)

  test('are found behind many newer ones, by id and by name of the channel', async () => {
    await post(evaluation)
    for (let other = 2; other < 260; other++) await post({ ...evaluation, fields: [] }, { key: keyOf(other) })
    const found = { id: server.state.posts[0]?.id, url: expect.stringContaining('/_redirect/pl/') }
    for (const at of [channel, 'ops/deployments']) expect(await find(at)).toMatchObject(found)
    expect(await mattermost.find(client({ isRetry: true, key: keyOf(999) }), channel)).toBeUndefined()
  })

  test('of concurrent retries are deduplicated', async () => {
    for (let call = 0; call < 2; call++) await post(evaluation, { channel: 'ops/deployments' })
    expect(server.state.posts).toMatchObject([{ channel_id: channel }])
  })

  test('keep their key when the decision replaces them, and are the thread of a reply', async () => {
    const posted = await save(question)
    await mattermost.replace(client({ key: keyOf(9) }), posted, decided)
    expect(await find()).toMatchObject({ id: posted.id })
    await mattermost.reply(client(), posted, evaluation)
    expect(server.state.posts.at(-1)).toMatchObject({ root_id: posted.id })
  })
})

describe('Mattermost: buttons', () => {
  const { buttons } = mattermost
  const request = (body: string) => ({ headers: {}, body, now: Date.now() })
  const pressed = async (id: 'approve' | 'reject' = 'approve') => {
    await post(question)
    return server.pressButton(id, jane)
  }
  const verified = async () => buttons.verify(connection(), request((await pressed()).body))

  test('send requests to the route next to the approval page, without the token of the bot', async () => {
    const { url, body } = await pressed()
    expect(url).toBe('https://webhooks.example.com/v1/notification/mattermost')
    const { context } = JSON.parse(body)
    expect(Object.keys(context)).toEqual(['reference', 'decision', 'mac'])
    expect(JSON.stringify(context)).not.toContain(server.token)
  })

  test.each(['approve', 'reject'] as const)('return token and decision: %s', async (decision) => {
    const { body } = await pressed(decision)
    expect(buttons.readToken(request(body))).toBe(token)
    const expected = { decision, responder: { id: jane, name: 'jane' } }
    expect(await buttons.verify(connection(), request(body))).toEqual(expected)
  })

  // test/security/signatures.test.ts changes each signed byte.
  const context = { reference: token, decision: 'approve' }
  test.each([
    ...[{ context }, { context: { ...context, mac: '' } }, {}, { user_id: undefined }, { user_id: '' }].map((sent) =>
      JSON.stringify({ user_id: jane, ...sent }),
    ),
    '',
    'not JSON',
    '[]',
    'null',
    '"x"',
  ])('reject the forged request %s', async (body) => {
    await expectFailure(buttons.verify(connection(), request(body)), 'unauthenticated', 'Unknown button payload.')
  })

  test('reject the buttons of another connection', async () => {
    const other = connection({ token: 'another-token-of-a-bot' })
    await expectFailure(buttons.verify(other, request((await pressed()).body)), 'unauthenticated')
  })

  test.each(['', '{', 'null', '[]', '{"context":{"reference":7}}', '{"context":null}'])(
    'return no token for the body %s',
    (body) => expect(buttons.readToken(request(body))).toBeUndefined(),
  )

  const nameless = { id: jane, email: '', first_name: '', last_name: '' }
  const named = { name: 'jane', names: [jane, 'jane'] }
  const another = 'b'.repeat(26)
  test.each<[string, [status: number, body: object] | undefined, object]>([
    ['is known', undefined, { name: 'Jane Doe', names: [jane, 'jane', 'jane@example.com'] }],
    // It could be the id of another person.
    [
      'has a user name with the form of an id',
      [200, { ...nameless, username: another }],
      { name: another, names: [jane], ambiguousName: another },
    ],
    ['hides addresses', [200, { ...nameless, username: 'jane' }], named],
    ['may not be shown', [403, { message: 'You do not have the appropriate permissions.' }], named],
    ['is not known', [404, { id: 'app.user.missing_account.const', message: 'No user.' }], named],
  ])('return the names of a person who %s', async (_what, reply, person) => {
    const response = await verified()
    if (reply) server.failNext(...reply)
    expect(await buttons.getPerson(client(), response)).toEqual(person)
  })

  const refusalOf = async (requester: string) => {
    const [response, name] = [await verified(), bareName(requester)]
    if (!buttons.isMemberName(name)) return 'rejected before the approval is requested'
    const person = await buttons.getPerson(client(), response)
    return refusalFor({ excluded: requester }, person, [await buttons.findMemberId(client(), name)])
  }
  test.each([
    jane,
    'jane',
    '@Jane',
    'jane@example.com',
    'mattermost:jane',
    'Jane Doe',
    'jane.',
    'jane+x@example.com',
    'ja\u200bne',
    'jan\u0435',
    'z'.repeat(26),
  ])('reject the requester as approver by any name: %j', async (requester) => {
    expect(await refusalOf(requester)).toBeTruthy()
  })

  test('accept an approver other than the requester', async () => {
    for (const requester of ['deploy-bot', 'bot@localhost']) expect(await refusalOf(requester)).toBeUndefined()
  })

  test('fail if the person cannot be read temporarily', async () => {
    const response = await verified()
    server.failNext(503, undefined)
    await expectFailure(buttons.getPerson(client(), response), 'platform')
  })

  test('respond only to the person who pressed the button, with escaped text', async () => {
    const response = await verified()
    const before = server.calls.length
    const text = 'You may not approve this, @all: <https://evil.example|ask>'
    expect(await buttons.replyTo(client(), response, text)).toEqual({
      ephemeral_text: 'You may not approve this, @\u200ball&#58; &#60;https&#58;//evil&#46;example&#124;ask&#62;',
      skip_slack_parsing: true,
    })
    expect(server.calls).toHaveLength(before)
  })
})
