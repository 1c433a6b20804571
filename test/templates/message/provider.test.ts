import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Message } from '../../../shared/providers/message.ts'
import { clientOf, failureOf, keyOf } from '../../functions/helpers.ts'
import { acme } from './provider.ts'
import { type AcmeServer, startAcme } from './server.ts'

let server: AcmeServer
beforeEach(async () => {
  server = await startAcme()
})
afterEach(() => server.close())

const client = (options: Parameters<typeof clientOf>[2] = {}, token = server.token) =>
  clientOf(acme, { baseUrl: server.url, token }, options)
const message: Message = {
  mood: 'warning',
  title: 'Evaluation of checkout: warning',
  text: 'Slower than the last one.',
  fields: [{ name: 'Score', value: '75 of 100' }],
  table: { columns: ['Objective', 'Value'], rows: [{ mood: 'bad', cells: ['p95', '812 ms'] }] },
  links: [{ label: 'Bridge', url: 'https://keptn.example.com/bridge' }],
}
const post = (options?: Parameters<typeof clientOf>[2], room = 'releases') => acme.post(client(options), room, message)

describe('A message in Acme', () => {
  test('has all parts as text and returns its URL', async () => {
    expect(await post()).toEqual({ id: '1', url: 'https://acme.example.com/messages/1' })
    expect(server.calls[0]?.body).toEqual({
      title: 'Evaluation of checkout: warning',
      text: 'Slower than the last one.\nScore: 75 of 100\np95, 812 ms',
      link: 'https://keptn.example.com/bridge',
      level: 'warning',
    })
  })

  test('for an approval links to the approval page', async () => {
    const url = 'https://webhooks.example.com/v1/notification/approvals/x'
    const choices = [{ decision: 'approve' as const, label: 'Approve', token: 'x', url }]
    await acme.post(client(), 'releases', { ...message, buttons: choices })
    expect(server.messages).toMatchObject([{ link: url }])
  })

  test('is posted once, also after a lost response', async () => {
    server.loseNext('POST')
    expect(await failureOf(post())).toMatchObject({ transient: true, mayHaveWritten: true })
    await post({ isRetry: true })
    expect(server.messages).toHaveLength(1)
    await post({ key: keyOf(2) })
    await post({ key: undefined })
    expect(server.messages).toHaveLength(3)
  })

  test.each(['secrets', 'not/there'])(
    'for the room %s, which is not there, is rejected with the reason of Acme',
    async (room) => {
      expect(await failureOf(post({}, room))).toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('there is no room'),
      })
    },
  )
})

describe('Acme', () => {
  test.each([
    [422, 'refused'],
    [401, 'credentials'],
    [503, 'platform'],
  ])('reports the status %s as a failure of kind %s with its reason', async (status, kind) => {
    server.failNext(status, { message: 'not today' })
    expect(await failureOf(post())).toMatchObject({ kind, message: expect.stringContaining('not today') })
  })

  test('is retried if it is down or its response does not match', async () => {
    server.failNext(200, '<html>')
    expect(await failureOf(post())).toMatchObject({ transient: true })
    server.down()
    expect(await failureOf(post())).toMatchObject({ transient: true })
  })

  test('masks its token in messages', async () => {
    server.failNext(422, { message: `no ${server.token}` })
    expect((await failureOf(post())).message).toContain('no ***')
  })

  test('has a connection test that checks its credentials', async () => {
    await acme.check(client())
    const wrong = client({}, 'another-token-0123456789')
    expect(await failureOf(Promise.resolve(acme.check(wrong)))).toMatchObject({ kind: 'credentials' })
  })
})
