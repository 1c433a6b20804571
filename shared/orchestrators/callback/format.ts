import { cdEvent } from './cdevents.ts'
import { type CallbackMessage, type Content, senderOf } from './message.ts'

export type Format = 'standard' | 'cloudevents' | 'cdevents' | 'plain'

/** Returns the content type and the body of a message. */
export function format(message: CallbackMessage, as: Format): { contentType: string; body: string } {
  const { kind, id, time, content } = message
  switch (as) {
    case 'standard':
      return jsonOf({ type: `task.${kind}`, timestamp: time, data: content })
    case 'plain':
      return jsonOf(content)
    case 'cloudevents': {
      const type = `io.github.cloud-automation-webhooks.task.${kind}.v1`
      return cloudEvent({ id, time, type, subject: content.context ?? content.id, content, data: content })
    }
    case 'cdevents': {
      const data = cdEvent(message)
      return cloudEvent({ id, time, type: data.context.type, subject: data.subject.id, content, data })
    }
  }
}

/** Returns an event in structured mode. */
function cloudEvent({
  content,
  data,
  ...attributes
}: Record<'id' | 'time' | 'type' | 'subject', string> & {
  content: Content
  data: unknown
}) {
  const event = {
    specversion: '1.0',
    source: senderOf(content),
    ...attributes,
    datacontenttype: 'application/json',
    data,
  }
  return { contentType: 'application/cloudevents+json', body: JSON.stringify(event) }
}

function jsonOf(value: unknown) {
  return { contentType: 'application/json', body: JSON.stringify(value) }
}
