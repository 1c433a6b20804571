import { describe, expect, test } from '@jest/globals'
import { msteams } from '../../../functions/notification/providers/msteams.ts'
import { teamsServer } from '../../../infra/platforms/msteams.ts'
import type { Message } from '../../../shared/providers/message.ts'
import { messageConformance } from '../../conformance/message.ts'
import { clientOf, expectFailure, failureOf, startEach } from '../helpers.ts'
import { decided, evaluation, question } from './messages.ts'

const server = startEach(teamsServer)

const client = (options: Parameters<typeof clientOf>[2] = {}, webhookUrl = server.webhookUrl) =>
  clientOf(msteams, msteams.connection.parse({ webhookUrl }), options)
const post = (message: Message, ...more: Parameters<typeof client>) => msteams.post(client(...more), undefined, message)
/** The secret parts of the URL. */
const secretParts = /8f14e45f|paths\/invoke|Zm9yLWEt|AAAALWEt/

describe('Microsoft Teams: post', () => {
  test('sends a card to the workflow', async () => {
    expect(await post(evaluation)).toEqual({})
    expect(server.cards).toMatchObject([{ fallbackText: '⚠️ Evaluation of checkout in production: warning' }])
    const expected = [{ method: 'POST', headers: { 'content-type': 'application/json' }, body: { type: 'message' } }]
    expect(server.calls).toMatchObject(expected)
  })

  test('accepts any response of the workflow', async () => {
    server.failNext(200, { done: true }, { done: true })
    expect(await post(evaluation)).toEqual({})
    expect(server.cards).toHaveLength(1)
  })

  test('replies are new cards', async () => {
    const posted = await post(question)
    await msteams.reply(client(), posted, decided)
    const expected = [['Decide', 'Bridge'], ['Bridge']]
    expect(server.cards.map(({ actions }) => actions.map(({ title }) => title))).toEqual(expected)
    expect(msteams).not.toHaveProperty('replace')
    expect(msteams).not.toHaveProperty('find')
  })
})

describe('Microsoft Teams: errors', () => {
  test('reports a disabled workflow', async () => {
    server.turnOff()
    const words = [
      "Microsoft Teams answered 400 to POST the webhook: Could not execute workflow '***'",
      'trigger is not enabled',
    ]
    await expectFailure(post(evaluation), 'refused', ...words)
  })

  test.each([
    ['a deleted workflow', 'dedd4bea2543', '000000000000', 'refused', 'could not be found'],
    ['an invalid signature', 'sig=Zm9y', 'sig=AAAA', 'credentials', 'authorization signature is not valid.'],
  ])('reports %s without showing the URL', async (_what, part, other, kind, words) => {
    const failure = await failureOf(post(evaluation, {}, server.webhookUrl.replace(part, other)))
    expect(failure).toMatchObject({ kind, message: expect.stringContaining(words) })
    expect(failure.message).not.toMatch(secretParts)
  })

  test.each([
    ['after a broken connection', () => server.down(), 'platform', '(POST the webhook)'],
    ['at the deadline', () => server.hang(), 'timeout', ''],
  ])('shows no part of the URL %s', async (_when, fail, kind, words) => {
    fail()
    const failure = await failureOf(post(evaluation, { deadline: 100 }))
    expect(failure).toMatchObject({ kind, message: expect.stringContaining(words), mayHaveWritten: true })
    expect(failure.message).not.toMatch(secretParts)
  })
})

describe('Microsoft Teams: connection', () => {
  test('the connection test posts a card', async () => {
    await msteams.check(client())
    expect(server.cards).toMatchObject([{ fallbackText: 'ℹ️ This connection works' }])
  })

  const rest = ':443/workflows/8f14e45f/triggers/manual/paths/invoke?api-version=1&sp=%2Fx&sv=1.0&sig=a-b_c'
  test.each([
    `https://prod-12.westeurope.logic.azure.com${rest}`,
    `https://default0f.f0.environment.api.powerplatform.com${rest.replace('/workflows', '/powerautomate/automations/direct/workflows')}`,
    `https://prod-01.usgovtexas.logic.azure.us${rest}`,
    'https://gateway.example.com/teams',
    'http://127.0.0.1:8080/teams',
  ])('accepts %s', (webhookUrl) => {
    expect(msteams.connection.safeParse({ webhookUrl }).success).toBe(true)
  })

  test.each([
    ['http://prod-12.westeurope.logic.azure.com/workflows/x?sig=abc', 'must be an https URL'],
    ['http://localhost:1@evil.example/x', 'must be an https URL'],
    ['ftp://example.com/teams', 'must be an https URL'],
    ['https://', 'must be an https URL'],
    ['https://shop.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4', 'which Microsoft has retired'],
    ['https://outlook.office.com/webhook/1@2/IncomingWebhook/3/4', 'which Microsoft has retired'],
    ['https://prod-12.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?api-version=1', 'no "sig"'],
    ['https://0f.environment.api.powerplatform.com/powerautomate/x?api-version=1', 'no "sig"'],
  ])('refuses %s', (webhookUrl, words) => {
    const { error } = msteams.connection.safeParse({ webhookUrl })
    expect(error?.issues.map(({ message }) => message).join()).toContain(words)
    expect(error?.issues.map(({ message }) => message).join()).not.toContain(webhookUrl)
  })
})

messageConformance(msteams, {
  start: teamsServer,
  connection: ({ webhookUrl }) => ({ webhookUrl }),
  refusal: (message) => ({ error: { code: 'x', message } }),
  visible: ({ cards }) => cards.length,
  repeats: true,
  checkWrites: true,
  unexpectedBodies: { page: 'success', text: 'success' },
  verify: ({ failedRuns }) => expect(failedRuns).toEqual([]),
})
