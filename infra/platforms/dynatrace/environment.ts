import { demo } from '../sandbox/demo.ts'
import type { Answer, Call } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { type Automation, createAutomation } from './automation.ts'
import type { Event } from './dql.ts'
import { createGrail, type Grail } from './grail.ts'
import { errorResponse } from './responses.ts'

/** The platform APIs of a Dynatrace environment: workflows, events and queries. */
export interface Environment {
  answer(call: Call): Answer
  automation: Automation
  grail: Grail
  /** The result of the next validations by the guardian. */
  verdict: string
  /** How many validations do not end. */
  stuck: number
}

export const GUARDIAN_ID = 'vu9U3hXa3q0AAAABADFhcHA6c2FuZGJveC1ndWFyZGlhbg'

/** Creates an environment with two workflows and a guardian, which validates when an event asks for it. */
export function createEnvironment(store: Store): Environment {
  const { dynatracePlatformToken: platform, dynatraceToken: ingest, workflows } = demo
  const environment: Environment = {
    automation: createAutomation(store, platform, [
      { id: workflows.release, title: 'Release' },
      { id: workflows.continuation, title: 'Continue a release' },
    ]),
    grail: createGrail(store, { platform, ingest }, validate),
    verdict: 'pass',
    stuck: 0,
    answer(call) {
      if (call.path.startsWith('/platform/automation/v1/')) return environment.automation.answer(call)
      return environment.grail.answer(call) ?? errorResponse(404, 'HTTP 404 Not Found')
    },
  }

  /** Plays the workflow that has the guardian: it starts for each event that asks for a validation. */
  function validate(event: Event): void {
    if (event['event.type'] !== 'validation' || event['event.status'] !== 'triggered') return
    if (environment.stuck > 0) {
      environment.stuck--
      return
    }
    const result: Event = {
      'event.provider': 'dynatrace.site.reliability.guardian',
      'event.type': 'validation',
      'task.id': `validation-of-${event['event.id']}`,
      'dt.srg.id': GUARDIAN_ID,
      'dt.srg.name': event['guardian'] ?? 'Checkout',
      execution_context: event['execution_context'],
    }
    environment.grail.add({ ...result, 'event.status': 'started' })
    environment.grail.add({ ...result, 'event.status': 'finished', 'validation.result': environment.verdict })
  }

  return environment
}
