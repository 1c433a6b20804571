import { demo } from '../sandbox/demo.ts'
import type { FakeCall, FakeReply } from '../sandbox/http.ts'
import type { Store } from '../sandbox/store.ts'
import { type Automation, createAutomation } from './automation.ts'
import type { Event } from './dql.ts'
import { createGrail, type Grail } from './grail.ts'
import { errorResponse } from './responses.ts'

/** The platform APIs of a Dynatrace environment: workflows, events and queries. */
export interface Environment {
  answer(call: FakeCall): FakeReply
  automation: Automation
  grail: Grail
  guardian: {
    /** The result of the next validations. */
    result: string
    /** How often the status of a validation is read until it ends. */
    takes: number
    /** Business guardians write business events, lifecycle guardians SDLC events. */
    type: 'business' | 'lifecycle'
  }
}

const VALIDATE_ACTION = 'dynatrace.site.reliability.guardian:validate-guardian-action'

/** Creates an environment with workflows to release and to continue, and one that validates a guardian. */
export function createEnvironment(store: Store): Environment {
  const { dynatracePlatformToken: platform, dynatraceToken: ingest, workflows } = demo
  /** How often the executions of the guardian's workflow were read. */
  const reads = new Map<string, number>()
  const known = [
    { id: workflows.release, title: 'Release' },
    { id: workflows.continuation, title: 'Continue a release' },
    { id: workflows.guardian, title: 'Validate a guardian' },
  ]
  const environment: Environment = {
    automation: createAutomation(store, platform, known, advance),
    grail: createGrail(store, { platform, ingest }, validate),
    guardian: { result: 'pass', takes: 0, type: 'business' },
    answer(call) {
      if (!call.path.startsWith('/platform/automation/v1/'))
        return environment.grail.answer(call) ?? errorResponse(404, 'HTTP 404 Not Found')
      return environment.automation.answer(call)
    },
  }

  /** Simulates the workflow that validates when it runs. */
  function advance(id: string): void {
    const { automation, guardian } = environment
    const execution = automation.get(id)
    if (execution?.workflow !== workflows.guardian || execution.state !== 'RUNNING') return
    const count = (reads.get(id) ?? 0) + 1
    reads.set(id, count)
    if (count <= guardian.takes) return
    automation.setTasks(id, { validate: { action: VALIDATE_ACTION, result: { validation_status: guardian.result } } })
    automation.set(id, 'SUCCESS')
  }

  /** Simulates the workflow that starts for each event that triggers a validation. */
  function validate(event: Event): void {
    if (event['event.type'] !== 'guardian.validation.triggered') return
    const { result, type } = environment.guardian
    const about = {
      'event.provider': 'dynatrace.site.reliability.guardian',
      execution_context: event['execution_context'],
    }
    environment.grail.add(
      type === 'business'
        ? {
            ...about,
            'event.kind': 'BIZ_EVENT',
            'event.type': 'guardian.validation.finished',
            'validation.status': result,
          }
        : { ...about, 'event.type': 'validation', 'event.status': 'finished', 'validation.result': result },
    )
  }

  return environment
}
