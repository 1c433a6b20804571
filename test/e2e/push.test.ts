import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type NtfyServer, startNtfy } from '../../infra/platforms/ntfy.ts'
import { Service, triggered } from './service.ts'

let inbox: NtfyServer
let service: Service
beforeAll(async () => {
  inbox = await startNtfy()
  const { url: baseUrl, token, writable } = inbox
  service = new Service({
    timeScale: 60,
    secrets: {
      'cloud-automation-webhooks/connections/notification/inbox': {
        ...{ provider: 'ntfy', baseUrl, token, channel: writable[0] },
      },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await inbox.close()
})
beforeEach(() => {
  inbox.messages.length = 0
})

const push = (event: object, query = '') => service.call(`/v1/notification/push-update?connection=inbox${query}`, event)
const evaluated = (kind: string, more: object = {}) =>
  triggered({
    type: `sh.keptn.event.evaluation.${kind}`,
    data: {
      ...{ project: 'shop', stage: 'production', service: 'checkout', status: 'succeeded', result: 'fail' },
      evaluation: { score: 42, result: 'fail', indicatorResults: [] },
    },
    ...more,
  })

describe('A push-update call', () => {
  it('sends the event as a message with a link to the Bridge, and sends no second one for a repeat', async () => {
    const event = evaluated('finished')
    const answer = await push(event)
    expect(answer).toMatchObject({ status: 200, body: { result: 'pass' } })
    expect((await push(event)).body).toEqual(answer.body)
    expect(inbox.messages).toMatchObject([
      {
        topic: inbox.writable[0],
        title: 'Evaluation of checkout in shop/production failed (score 42)',
        tags: ['x'],
        click: `${service.url}/sandbox/keptn/bridge/project/shop/sequence/${event.shkeptncontext}`,
      },
    ])
  })

  it.each(['triggered', 'started', 'finished'])('accepts a .%s event', async (kind) => {
    expect(await push(evaluated(kind))).toMatchObject({ status: 200 })
    expect(inbox.messages).toHaveLength(1)
  })

  it('sends the text of the caller to the channel of the caller', async () => {
    const input = { text: 'The night shift takes over.', channel: inbox.writable[1] }
    await push(evaluated('finished', { input }))
    expect(inbox.messages).toMatchObject([{ topic: inbox.writable[1], message: 'The night shift takes over.' }])
    expect(inbox.messages[0]?.message).not.toContain('Score')
  })

  it('uses the template of the caller, and rejects an unknown one', async () => {
    await push(evaluated('finished', { input: { template: 'task' } }))
    expect(inbox.messages[0]?.title).not.toContain('score 42')
    const { status, body } = await push(evaluated('finished', { input: { template: 'fancy' } }))
    expect([status, body.detail]).toEqual([400, expect.stringContaining('input.template')])
  })

  it('ends an interactive task, and sends no message if when does not match', async () => {
    const event = triggered({ type: 'sh.keptn.event.notify.triggered' })
    await push(event, '&mode=interactive&sendStarted=true')
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
    expect(inbox.messages).toHaveLength(1)
    await push(evaluated('finished'), '&when=pass')
    expect(inbox.messages).toHaveLength(1)
  })
})
