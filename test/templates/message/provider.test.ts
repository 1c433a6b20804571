import { describe, expect, test } from '@jest/globals'
import type { Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, failureOf, startEach } from '../../functions/helpers.ts'
import { startAcme } from './fake.ts'
import { acme } from './provider.ts'

const server = startEach(startAcme)

const message: Message = {
  mood: 'warning',
  title: 'Evaluation of checkout: warning',
  text: 'Slower than the last one.',
  fields: [{ name: 'Score', value: '75 of 100' }],
  table: { columns: ['Objective', 'Value'], rows: [{ mood: 'bad', cells: ['p95', '812 ms'] }] },
  links: [{ label: 'Bridge', url: 'https://keptn.example.com/bridge' }],
}
const post = (more: object = {}, room = 'releases') =>
  acme.post(clientOf(acme, { baseUrl: server.url, token: server.token }), room, { ...message, ...more })

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
    await post({ buttons: [{ decision: 'approve', label: 'Approve', token: 'x', url }] })
    expect(server.messages).toMatchObject([{ link: url }])
  })

  test.each(['secrets', 'not/there'])('for the unknown room %s is rejected with the reason of Acme', async (room) => {
    const failure = await failureOf(post({}, room))
    expect(failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('unknown room') })
  })
})

messageConformance(acme, {
  start: startAcme,
  connection: ({ url, token }) => ({ baseUrl: url, token }),
  channel: 'releases',
  visible: ({ messages }) => messages.length,
})
