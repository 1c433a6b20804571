import { createHmac } from 'node:crypto'
import { type Call, type Reply, type Served, serve } from '../../infra/sandbox/platforms/loopback-server.ts'

/** A message that has come, with what it came with. */
interface Delivery {
  id: string
  body: Record<string, unknown>
}

export interface EndpointServer extends Served {
  /** The secret path of the webhook. */
  endpoint: string
  secret: string
  /** Accepted messages, without duplicates. */
  deliveries: Delivery[]
}

const path = '/hooks/T0123/a-secret-path'
const query = '?tenant=shop&code=a%2Bcode%3Dthat+is+secret'
/** How old a message may be, in seconds. */
const tolerance = 300

/**
 * An endpoint that verifies what comes as the libraries of Standard Webhooks and the examples of GitHub do, and takes each
 * message once.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries
 */
export async function endpointServer(secret: string): Promise<EndpointServer> {
  const deliveries: Delivery[] = []
  const served = await serve((call) => answer(secret, deliveries, call))
  return Object.assign(served, { secret, deliveries, endpoint: `${served.url}${path}${query}` })
}

function answer(secret: string, deliveries: Delivery[], call: Call): Reply {
  const { method, headers, body, text } = call
  if (call.path !== path || call.query.get('code') !== 'a+code=that is secret') {
    return { status: 404, body: { message: `Cannot ${method} ${call.path}`, error: 'Not Found', statusCode: 404 } }
  }
  if (method !== 'POST') return { status: 405, body: { message: 'Method Not Allowed' } }
  if (headers['content-type'] !== 'application/json') return { status: 415, body: { message: 'Send JSON.' } }
  const wrong = standardFault(secret, call) ?? gitHubFault(secret, call)
  if (wrong !== undefined) return { status: 401, body: { message: wrong } }
  const id = String(headers['webhook-id'])
  if (!deliveries.some((delivery) => delivery.id === id)) deliveries.push({ id, body: body as Delivery['body'] })
  return text.length > 0 ? { status: 204 } : { status: 400 }
}

function standardFault(secret: string, { headers, text }: Call): string | undefined {
  const id = headers['webhook-id']
  const timestamp = headers['webhook-timestamp']
  if (!id || !timestamp || !headers['webhook-signature']) return 'Missing required headers'
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > tolerance) return 'Message timestamp too old'
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')
  const given = String(headers['webhook-signature']).split(' ')
  return given.includes(`v1,${expected}`) ? undefined : 'No matching signature found'
}

function gitHubFault(secret: string, { headers, text }: Call): string | undefined {
  const expected = `sha256=${createHmac('sha256', secret).update(text, 'utf8').digest('hex')}`
  return headers['x-hub-signature-256'] === expected ? undefined : 'Invalid X-Hub-Signature-256'
}
