import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { parseBody } from '../../http/parse-body.ts'
import { isSnsUrl } from '../sns-signature.ts'
import { defineSourceType, word } from '../source-type.ts'
import { awsEvent, readAwsEvent } from './eventbridge.ts'

/**
 * Events of AWS that arrive by way of SNS, for example from other regions and accounts: a rule of EventBridge has the topic as
 * its target.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
export const awsSns = defineSourceType({
  title: 'Amazon SNS',
  publishedKeys: 'sns',
  deliveryHeader: 'x-amz-sns-message-id',
  body: z.object({ Type: word, TopicArn: word, Message: z.string(), SubscribeURL: z.optional(z.string()) }),
  read({ Type: type, TopicArn: topic, Message: message, SubscribeURL: confirmUrl = '' }) {
    // SNS also sends such a URL for an ended subscription. That one would subscribe again.
    if (type === 'UnsubscribeConfirmation') return { event: type, isFirst: true }
    if (type === 'SubscriptionConfirmation') {
      if (isSnsUrl(confirmUrl, topic)) return { event: type, isFirst: true, confirmUrl }
      throw new Failure('invalid', 'SubscribeURL is not a URL of SNS in the region of the topic.')
    }
    const parsed = z.safeParse(awsEvent, parseBody(message))
    return parsed.success ? readAwsEvent(parsed.data) : { event: type }
  },
  setup: [
    'Create a standard topic with the signature version 2, and a rule of EventBridge with the topic as its target.',
    'Subscribe {url} with the protocol HTTPS, without raw message delivery. The subscription is confirmed automatically.',
    'Add the ARN of the topic to "topics" of the secret.',
  ],
})
