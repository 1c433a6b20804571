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

describe('an update', () => {
  it('tells what an event says, with a link to the Bridge, and a repeat of it tells nothing again', async () => {
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

  it.each(['triggered', 'started', 'finished'])('is made of a .%s event', async (kind) => {
    expect(await push(evaluated(kind))).toMatchObject({ status: 200 })
    expect(inbox.messages).toHaveLength(1)
  })

  it('says what the caller writes instead, to the channel that the caller names', async () => {
    const input = { text: 'The night shift takes over.', channel: inbox.writable[1] }
    await push(evaluated('finished', { input }))
    expect(inbox.messages).toMatchObject([{ topic: inbox.writable[1], message: 'The night shift takes over.' }])
    expect(inbox.messages[0]?.message).not.toContain('Score')
  })

  it('is told by the template that the caller names, and no other name is taken', async () => {
    await push(evaluated('finished', { input: { template: 'task' } }))
    expect(inbox.messages[0]?.title).not.toContain('score 42')
    const { status, body } = await push(evaluated('finished', { input: { template: 'fancy' } }))
    expect([status, body.detail]).toEqual([400, expect.stringContaining('input.template')])
  })

  it('ends an interactive task, and with when says nothing where it need not', async () => {
    const event = triggered({ type: 'sh.keptn.event.notify.triggered' })
    await push(event, '&mode=interactive&sendStarted=true')
    expect((await service.finishedOf(event.id)).finished).toMatchObject([{ status: 'succeeded', result: 'pass' }])
    expect(inbox.messages).toHaveLength(1)
    await push(evaluated('finished'), '&when=pass')
    expect(inbox.messages).toHaveLength(1)
  })
})
