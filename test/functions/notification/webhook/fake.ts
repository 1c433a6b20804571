import { createHmac } from 'node:crypto'
import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Call } from '../../../../infra/testing/loopback-server.ts'
import { type MessageRow, startWith } from '../../../conformance/row.ts'

interface Delivery {
  id: string
  body: Record<string, unknown>
}

export type EndpointServer = Awaited<ReturnType<typeof endpointServer>>

const ENDPOINT = '/hooks/T0123/a-secret-path?tenant=shop&code=a%2Bcode%3Dthat+is+secret'
const MAX_AGE_SECONDS = 300

/**
 * A fake endpoint that verifies messages like the libraries of Standard Webhooks and the examples of GitHub, and accepts
 * each message once.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries
 */
export const endpointServer = definePlatform({
  state: (secret: string) => ({
    secret,
    /** Accepted messages, without duplicates. */
    deliveries: [] as Delivery[],
  }),
  routes: {
    'POST /hooks/T0123/a-secret-path': ({ state: { secret, deliveries }, query, headers, body, text }) => {
      if (query.get('code') !== 'a+code=that is secret') return undefined
      if (headers['content-type'] !== 'application/json') return { status: 415, body: { message: 'Send JSON.' } }
      const message = standardProblem(secret, headers, text) ?? gitHubProblem(secret, headers, text)
      if (message) return { status: 401, body: { message } }
      const id = String(headers['webhook-id'])
      if (!deliveries.some((delivery) => delivery.id === id)) deliveries.push({ id, body })
      return { status: text === '' ? 400 : 204 }
    },
  },
  notFound: ({ method, path }) => ({
    status: 404,
    body: { message: `Cannot ${method} ${path}`, error: 'Not Found', statusCode: 404 },
  }),
  members: ({ secret, deliveries }, { url }) => ({
    secret,
    deliveries,
    /** The URL with the secret path and the secret code. */
    endpoint: `${url}${ENDPOINT}`,
  }),
})

function standardProblem(secret: string, headers: Call['headers'], text: string): string | undefined {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  if (!id || !timestamp || !headers['webhook-signature']) return 'Missing required headers'
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > MAX_AGE_SECONDS) return 'Message timestamp too old'
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')
  const signatures = String(headers['webhook-signature']).split(' ')
  return signatures.includes(`v1,${expected}`) ? undefined : 'No matching signature found'
}

function gitHubProblem(secret: string, headers: Call['headers'], text: string): string | undefined {
  const expected = `sha256=${createHmac('sha256', secret).update(text, 'utf8').digest('hex')}`
  return headers['x-hub-signature-256'] === expected ? undefined : 'Invalid X-Hub-Signature-256'
}

export const messageRow = {
  writes: /^POST /,
  start: startWith(
    () => endpointServer('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
    ({ endpoint: baseUrl, secret }) => ({ connection: { baseUrl, secret } }),
  ),
} satisfies MessageRow
