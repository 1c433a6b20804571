import type { APIGatewayProxyEvent } from 'aws-lambda'
import { answer, send } from './by-hand.ts'

/** Sends the requests to the platform and responds. */
export function handler(event: APIGatewayProxyEvent) {
  return answer(event, async (calls, base) => {
    let last: unknown
    for (const call of calls) last = await send(call, base)
    return last
  })
}
