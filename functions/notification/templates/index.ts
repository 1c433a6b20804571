import type { CallEvent } from '../../../shared/orchestrators/keptn/event.ts'
import type { Message, MessageContext } from '../../../shared/providers/message.ts'
import { deployment } from './deployment.ts'
import { evaluation } from './evaluation.ts'
import { problem } from './problem.ts'
import { task } from './task.ts'
import { test } from './test.ts'
import { numberOf } from './values.ts'

/** How events are told, by the names that a caller may choose them by. */
export const templates = { evaluation, deployment, test, problem, task } as const

/** The message that tells of an event; by the template that fits it, unless one is named. */
export function messageOf(
  occasion: MessageContext,
  template: keyof typeof templates = fitting(occasion.event),
): Message {
  return templates[template](occasion)
}

function fitting({ task, properties, data }: CallEvent): keyof typeof templates {
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
