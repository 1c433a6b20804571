import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { jane, type MattermostServer, startMattermost } from '../../infra/platforms/mattermost.ts'
import { Service, triggered, until } from './service.ts'

let mattermost: MattermostServer
let service: Service
beforeAll(async () => {
  mattermost = await startMattermost()
  const { url: baseUrl, token, channel } = mattermost
  service = new Service({
    timeScale: 60,
    secrets: {
      'cloud-automation-webhooks/connections/notification/chat': { provider: 'mattermost', baseUrl, token, channel },
    },
  })
  await service.start()
})
afterAll(async () => {
  await service.end()
  await mattermost.close()
})

const send = async ({ url, body }: { url: string; body: string }) => {
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  return { status: response.status, body: await response.text() }
}

it('A Mattermost button decides an approval; a forged press does not, and a late press gets a notice', async () => {
  const event = triggered({ type: 'sh.keptn.event.sign-off.triggered', input: {} })
  const path = '/v1/notification/ask-approval?connection=chat&mode=interactive&sendStarted=true'
  expect(await service.call(path, event)).toMatchObject({ status: 202 })
  await until(
    async () => mattermost.state.posts.length > 0,
    20,
    () => `a post\n${service.output.slice(-3_000)}`,
  )
  const press = mattermost.pressButton('approve', jane)
  expect(press.url).toBe(`${service.url}/v1/notification/mattermost`)
  const forged = press.body.replace('"approve"', '"reject"')
  expect((await send({ ...press, body: forged })).status).toBe(401)
  expect((await service.repliesTo(event.id)).finished).toEqual([])
  expect((await send(press)).status).toBe(200)
  const { started, finished } = await service.finishedOf(event.id)
  expect([started, finished]).toEqual([
    1,
    [expect.objectContaining({ result: 'pass', message: expect.stringMatching(/^Approved by .+ \(jane0+j\)$/) })],
  ])
  const late = await send(press)
  expect([late.status, late.body]).toEqual([200, expect.stringContaining('Already decided')])
})
