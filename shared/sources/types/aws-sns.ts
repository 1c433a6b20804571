import * as z from 'zod/mini'
import { Failure } from '../../errors.ts'
import { optional } from '../../fields.ts'
import { parseBody } from '../../http/parse-body.ts'
import { isRecord } from '../../record.ts'
import { isSnsUrl } from '../sns-signature.ts'
import { defineSourceType, eventId, eventWord } from '../source-type.ts'
import { ALARM_EVENT, awsAlerts, awsEvent, readAwsEvent } from './eventbridge.ts'

const alarmMessage = z.looseObject({ AlarmName: z.string(), NewStateValue: eventWord })

/**
 * Events and alarms of AWS that arrive by way of SNS, for example from other regions and accounts: a rule of EventBridge has the
 * topic as its target, or an alarm of CloudWatch has it for its actions. Other messages are alerts of their own.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
export const awsSns = defineSourceType({
  title: 'Amazon SNS',
  publishedKeys: 'sns',
  body: z.object({
    Type: eventWord,
    MessageId: optional(eventId),
    TopicArn: eventWord,
    Subject: z.nullish(z.string()),
    Message: z.string(),
    SubscribeURL: optional(z.string()),
  }),
  read({ Type: type, MessageId: delivery, TopicArn: topic, Subject, Message, SubscribeURL: confirmUrl = '' }) {
    // SNS also sends such a URL for an ended subscription. That one would subscribe again.
    if (type === 'UnsubscribeConfirmation') return { event: type, isFirst: true }
    if (type === 'SubscriptionConfirmation') {
      if (isSnsUrl(confirmUrl, topic)) return { event: type, isFirst: true, confirmUrl }
      throw new Failure('invalid', 'SubscribeURL is not a URL of SNS in the region of the topic.')
    }
    const message = parseBody(Message)
    // The other fields of the body contain a URL that ends the subscription.
    const content = isRecord(message) ? message : { TopicArn: topic, Subject, Message }
    const event = z.safeParse(awsEvent, message)
    if (event.success) return { ...readAwsEvent({ ...event.data, id: event.data.id ?? delivery }), content }
    return { event: z.safeParse(alarmMessage, message).success ? ALARM_EVENT : type, delivery, content }
  },
  alerts: awsAlerts,
  setup: [
    'Create a standard topic with the signature version 2, and a rule of EventBridge with the topic as its target. Or add the topic to the actions of alarms: for the states In alarm and OK, because nothing ends without OK.',
    'Subscribe {url} with the protocol HTTPS, without raw message delivery. The subscription is confirmed automatically.',
    'Add the ARN of the topic to "topics" of the secret.',
  ],
  unverified: 'the fields of the messages of alarms',
})
