import type { JSONObject } from '@aws-lambda-powertools/jmespath/types'
import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { jmespathReason } from '../../jmespath-reason.ts'
import { defineSourceType, eventId } from '../source-type.ts'

/**
 * Any sender that can send a token, or that signs its requests as Standard Webhooks. Expressions of the source read the body.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const http = defineSourceType({
  title: 'HTTP API',
  signatures: ['standard-webhooks', 'svix'],
  token: ['bearer', 'query', 'x-token'],
  basic: true,
  // Most senders without a type of their own cannot sign.
  defaultCredential: 'token',
  body: z.record(z.string(), z.json()),
  async read(body, headers, settings) {
    const found = await evaluate(settings.run ?? 'id', 'run', body)
    const runs = (Array.isArray(found) ? found : [found]).map(idOf).filter((run) => run !== undefined)
    // A sender may send nothing but ends.
    const isEnd = settings.ended === undefined || (await evaluate(settings.ended, 'ended', body)) === true
    return {
      event: typeof body['type'] === 'string' ? body['type'] : 'notification',
      runs,
      ended: isEnd && runs.length > 0,
      delivery: headers['webhook-id'] ?? headers['svix-id'] ?? headers['ce-id'],
    }
  },
  setup: [
    'Let the sender send a POST request with JSON to {url} when a run ends.',
    {
      token: 'Header: Authorization: Bearer {secret}. A sender without headers: {url}?token={secret}',
      keys: 'Signature: as a Standard Webhook, with the key {secret}',
      password: 'Basic authentication: user {user}, password {secret}',
    },
    'In events.yaml, "run" says where the id of the run is, such as data.id, and "ended" which requests mark an end, such as status == \'done\'.',
  ],
})

function idOf(value: unknown): string | undefined {
  const parsed = z.safeParse(eventId, value)
  return parsed.success ? parsed.data : undefined
}

/** @throws Failure `misconfigured` */
async function evaluate(expression: string, setting: string, body: JSONObject): Promise<unknown> {
  const { JMESPathError, search } = await import('@aws-lambda-powertools/jmespath')
  try {
    return search(expression, body)
  } catch (error) {
    if (!(error instanceof JMESPathError)) throw error
    throw new Failure('misconfigured', `"${setting}" of the source cannot be evaluated: ${jmespathReason(error)}`)
  }
}
