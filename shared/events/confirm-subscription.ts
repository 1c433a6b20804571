import { Failure } from '../errors.ts'
import { Http } from '../http/client.ts'

/** Less than SNS waits. */
const TIMEOUT_MS = 5_000

/**
 * Confirms a subscription of SNS, so that it starts to send.
 *
 * @param url from a message whose signature is valid: a URL of SNS, which contains a token
 * @throws Failure `unavailable`
 */
export async function confirmSubscription(url: string): Promise<void> {
  const http = new Http({ platform: 'SNS', baseUrl: new URL(url).origin, deadlineAt: Date.now() + TIMEOUT_MS })
  try {
    await http.get(url, { urlAlias: 'the URL that confirms the subscription', acceptsPages: true })
  } catch (cause) {
    throw new Failure('unavailable', 'The subscription could not be confirmed. Send the message again.', { cause })
  }
}
