import type { CallEvent } from '../../../shared/orchestrators/event/event.ts'
import type { Message, MessageContext } from '../../../shared/providers/message.ts'
import { deployment } from './deployment.ts'
import { evaluation } from './evaluation.ts'
import { numberOf } from './event-values.ts'
import { problem } from './problem.ts'
import { task } from './task.ts'
import { test } from './test.ts'

/** The templates, by the name that a caller can select. */
export const templates = { evaluation, deployment, test, problem, task } as const

/** Converts an event to a message. Defaults to the template that fits the event. */
export function messageOf(
  context: MessageContext,
  template: keyof typeof templates = templateFor(context.event),
): Message {
  return templates[template](context)
}

function templateFor({ task, properties, data }: CallEvent): keyof typeof templates {
  switch (task) {
    case 'evaluation':
    case 'test':
    case 'deployment':
      return task
    case 'release':
    case 'rollback':
      return 'deployment'
  }
  if (numberOf(properties['score']) !== undefined && properties['indicatorResults']) return 'evaluation'
  return data.problem || data.incident || data.dynatraceProblem ? 'problem' : 'task'
}
