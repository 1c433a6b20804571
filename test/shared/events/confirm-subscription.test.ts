import { createServer } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { confirmSubscription } from '../../../shared/events/confirm-subscription.ts'
import { listen } from '../../listen.ts'

const PATH =
  '/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:123456789012:events&Token=2336412f37fb687f5d51e6e2425a'
let status = 200
let requests: (string | undefined)[] = []
const server = createServer((req, res) => {
  requests.push(`${req.method} ${req.url}`)
  res.writeHead(status, { 'content-type': 'text/xml' }).end('<ConfirmSubscriptionResponse/>')
})
let origin = ''
beforeAll(async () => {
  origin = `http://127.0.0.1:${await listen(server)}`
})
afterAll(() => {
  server.close()
})
beforeEach(() => {
  status = 200
  requests = []
})

describe('A subscription', () => {
  it('is confirmed at its URL', async () => {
    await confirmSubscription(`${origin}${PATH}`)
    expect(requests).toEqual([`GET ${PATH}`])
  })

  it('that cannot be confirmed is sent again, and its token is in no message', async () => {
    status = 500
    const error = await confirmSubscription(`${origin}${PATH}`).catch((reason: Error) => reason)
    expect(error).toMatchObject({ kind: 'unavailable' })
    expect(`${(error as Error).message} ${((error as Error).cause as Error).message}`).not.toContain('2336412f37fb')
  })
})
