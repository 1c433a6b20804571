import { describe, expect, test } from '@jest/globals'
import { mattermost } from '../../../functions/notification/providers/mattermost.ts'
import { jane, startMattermost } from '../../../infra/platforms/mattermost.ts'
import { bareName, refusalFor } from '../../../shared/approvals/person.ts'
import type { Message, PostedMessage } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, failureOf, keyOf, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(startMattermost)

const connection = (fields: object = {}) =>
  mattermost.connection.parse({ baseUrl: server.url, token: server.token, ...fields })
const client = (options: Parameters<typeof clientOf>[2] = {}, fields: object = {}) =>
  clientOf(mattermost, connection(fields), options)
const post = (message: Message, options: Parameters<typeof clientOf>[2] = {}, channel = server.channel) =>
  mattermost.post(client(options), channel, message)
/** Copies a posted message as a task stores it. */
const saved = (posted: PostedMessage): PostedMessage => JSON.parse(JSON.stringify(posted))
const newest = () => {
  const found = server.state.posts.at(-1)
  if (!found) throw new Error('There is no post')
  return found
}
const request = (body: string) => ({ headers: {}, body, now: Date.now() })

describe('Mattermost: post', () => {
  test('posts the message and returns its link', async () => {
    const posted = await post(evaluation)
    expect(posted).toMatchObject({ id: newest().id, url: `${server.url}/_redirect/pl/${newest().id}` })
    expect(newest()).toMatchObject({ channel_id: server.channel, root_id: '', message: '' })
    expect(newest().props.attachments).toMatchObject([{ color: 'warning', fallback: expect.stringContaining('Eval') }])
  })

  test('finds a channel by team and name', async () => {
    await post(evaluation, {}, 'ops/deployments')
    expect(newest().channel_id).toBe(server.channel)
  })

  test('a retry finds the post behind many newer ones, by id and by name of the channel', async () => {
    await post(evaluation)
    for (let other = 2; other < 260; other++) await post({ ...evaluation, fields: [] }, { key: keyOf(other) })
    for (const channel of [server.channel, 'ops/deployments']) {
      const found = await mattermost.find(client({ isRetry: true }), channel)
      expect(found).toMatchObject({ id: server.state.posts[0]?.id, url: expect.stringContaining('/_redirect/pl/') })
    }
  })

  test('a concurrent retry is deduplicated', async () => {
    for (let call = 0; call < 2; call++) await post(evaluation)
    expect(server.state.posts).toHaveLength(1)
  })

  test('find returns nothing if there is no post', async () => {
    await post(evaluation, { key: keyOf(2) })
    expect(await mattermost.find(client({ isRetry: true }), server.channel)).toBeUndefined()
  })

  test.each([
    ['no member', 'secret00000000000000000000', '403 to POST /api/v4/posts: You do not have the'],
    ['no channel', 'ops/nowhere', 'Channel does not exist.'],
  ])('reports the message of Mattermost if the bot is %s', async (_what, channel, words) => {
    await expectFailure(post(evaluation, {}, channel), 'refused', words)
    expect(server.state.posts).toEqual([])
  })
})

describe('Mattermost: replies and updates', () => {
  test('a reply is in the thread', async () => {
    const posted = saved(await post(question))
    await mattermost.reply(client(), posted, { ...evaluation, title: 'Still open' })
    expect(newest()).toMatchObject({ root_id: posted.id, channel_id: server.channel })
    expect(newest().props.attachments?.[0]?.title).toBe('⚠️ Still open')
  })

  test('an update replaces the message and keeps the key', async () => {
    const posted = saved(await post(question))
    await mattermost.replace(client({ key: keyOf(9) }), posted, decided)
    expect(server.state.posts).toHaveLength(1)
    const expected = [{ color: 'good', text: expect.stringMatching(/^Approved by Jane Doe/) }]
    expect(newest().props.attachments).toMatchObject(expected)
    expect(newest().props.attachments?.[0]?.actions).toBeUndefined()
    expect(await mattermost.find(client({ isRetry: true }), server.channel)).toMatchObject({ id: posted.id })
    // A repeated update changes nothing.
    await mattermost.replace(client(), posted, decided)
    expect(newest().props.attachments).toHaveLength(1)
  })

  test('report that a post can no longer be edited, and a deleted post', async () => {
    const posted = saved(await post(question))
    server.state.editTime = 0
    const words = 'only allowed for 0 seconds'
    await expectFailure(mattermost.replace(client(), posted, decided), 'refused', words)
    server.state.posts.length = 0
    await expectFailure(mattermost.replace(client(), posted, decided), 'refused')
    await expectFailure(mattermost.reply(client(), posted, evaluation), 'refused', 'Invalid RootId parameter.')
  })
})

describe('Mattermost: buttons', () => {
  const { buttons } = mattermost
  const pressed = async (id: 'approve' | 'reject' = 'approve', user = jane) => {
    await post(question)
    return server.pressButton(id, user)
  }

  test('send requests to the route next to the approval page', async () => {
    expect((await pressed()).url).toBe('https://webhooks.example.com/v1/notification/mattermost')
  })

  test.each(['approve', 'reject'] as const)('return token and decision: %s', async (decision) => {
    const { body } = await pressed(decision)
    expect(buttons.readToken(request(body))).toBe(question.buttons?.[0]?.token)
    const expected = { decision, responder: { id: jane, name: 'jane' } }
    expect(await buttons.verify(connection(), request(body))).toEqual(expected)
  })

  // test/security/signatures.test.ts changes each signed byte.
  const context = { reference: question.buttons?.[0]?.token, decision: 'approve' }
  test.each([
    ...[{ context }, { context: { ...context, mac: '' } }, {}, { user_id: undefined }, { user_id: '' }].map((sent) =>
      JSON.stringify({ user_id: jane, ...sent }),
    ),
    ...['', 'not JSON', '[]', 'null', '"x"'],
  ])('reject the forged request %s', async (body) => {
    await expectFailure(buttons.verify(connection(), request(body)), 'unauthenticated', 'Unknown button payload.')
  })

  test('reject the buttons of another connection', async () => {
    const { body } = await pressed()
    const other = connection({ token: 'another-token-of-a-bot' })
    expect(await failureOf(buttons.verify(other, request(body)))).toMatchObject({ kind: 'unauthenticated' })
  })

  test.each(['', '{', 'null', '[]', '{"context":{"reference":7}}', '{"context":null}'])(
    'return no token for the body %s',
    (body) => expect(buttons.readToken(request(body))).toBeUndefined(),
  )

  test('have a context without the token of the bot and its hash', async () => {
    await post(question)
    const { context } = JSON.parse(server.pressButton('approve', jane).body)
    expect(Object.keys(context)).toEqual(['reference', 'decision', 'mac'])
    expect(JSON.stringify(context)).not.toContain(server.token)
  })

  const verified = async () => buttons.verify(connection(), request((await pressed()).body))

  test('return the person with id, user name and e-mail address', async () => {
    const person = { name: 'Jane Doe', names: [jane, 'jane', 'jane@example.com'] }
    expect(await buttons.getPerson(client(), await verified())).toEqual(person)
  })

  const nameless = { id: jane, email: '', first_name: '', last_name: '' }
  const another = 'b'.repeat(26)
  test.each([
    // It could be the id of another person.
    [
      'has a user name with the form of an id',
      { ...nameless, username: another },
      200,
      { name: another, names: [jane], ambiguousName: another },
    ],
    ['hides addresses', { ...nameless, username: 'jane' }, 200, { name: 'jane', names: [jane, 'jane'] }],
    [
      'may not be shown',
      { message: 'You do not have the appropriate permissions.' },
      403,
      { name: 'jane', names: [jane, 'jane'] },
    ],
    [
      ...(['is not known', { id: 'app.user.missing_account.const', message: 'No user.' }, 404] as const),
      { name: 'jane', names: [jane, 'jane'] },
    ],
  ])('return id and name of a person who %s', async (_what, body, status, person) => {
    const response = await verified()
    server.failNext(status, body)
    expect(await buttons.getPerson(client(), response)).toEqual(person)
  })

  test.each([
    ...[jane, 'jane', '@Jane', 'jane@example.com', 'mattermost:jane'],
    ...['Jane Doe', 'jane.', 'jane+x@example.com', 'ja\u200bne', 'jan\u0435', 'z'.repeat(26)],
  ])('reject the requester as approver by any name: %j', async (requester) => {
    const response = await verified()
    const name = bareName(requester)
    if (!buttons.isMemberName(name)) return
    const refusal = refusalFor(
      { excluded: requester },
      await buttons.getPerson(client(), response),
      await buttons.findMemberId(client(), name),
    )
    expect(refusal).toBeTruthy()
  })

  test.each(['deploy-bot', 'bot@localhost'])('accept an approver other than the requester: %s', async (requester) => {
    const response = await verified()
    expect(buttons.isMemberName(requester)).toBe(true)
    const id = await buttons.findMemberId(client(), requester)
    expect(refusalFor({ excluded: requester }, await buttons.getPerson(client(), response), id)).toBeUndefined()
  })

  test('fail if the person cannot be read temporarily', async () => {
    const response = await verified()
    server.failNext(503, undefined)
    expect(await failureOf(buttons.getPerson(client(), response))).toMatchObject({ kind: 'platform' })
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

describe('Mattermost: connection', () => {})

messageConformance(mattermost, {
  start: startMattermost,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  channel: 'deploys000000000000000000d',
  visible: ({ state }) => state.posts.length,
  channels: {
    accepted: ['deploys000000000000000000d', 'ops/deployments', 'my-team/off-topic_2'],
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
    words: 'input.channel must be a channel id, or team and name',
  },
})
