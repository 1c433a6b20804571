import { expect, test } from '@jest/globals'
import { ntfy as provider } from '../../functions/notification/ntfy/ntfy.ts'
import { decided, question } from '../functions/notification/messages.ts'
import type { Notification } from '../functions/notification/ntfy/fake.ts'
import { testNtfy } from '../functions/notification/ntfy/suite.ts'
import { sendText, startedProgram, startPlatform } from './platform.ts'

const { token = '', password = '' } = startedProgram().details
/** The newest message before the test. */
let last = 'all'

async function start() {
  last = (await readMessages()).at(-1)?.id ?? last
  const server = await startPlatform(async () => ({ messages: await readMessages() }), {
    token,
    user: { username: 'robot', password },
  })
  return Object.assign(server, {
    shown: (topic: string) => server.state.messages.filter((message) => message.topic === topic),
  })
}

async function readMessages(): Promise<Notification[]> {
  const text = await sendText('GET', `/deploys/json?poll=1&since=${last}`, { authorization: `Bearer ${token}` })
  const lines = text.split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line))
}

// Sequences, with which the messages of one event are one, need ntfy 2.16.
const { server, client, save } = testNtfy({ start, lacksNeeds: true })

test('ntfy shows a decision as another message', async () => {
  await provider.replace(client(), await save(question), decided)
  expect(server.state.messages).toMatchObject([
    { title: question.title },
    { message: expect.stringMatching(/^Approved by Jane Doe/), actions: [{ label: 'Bridge' }] },
  ])
})
