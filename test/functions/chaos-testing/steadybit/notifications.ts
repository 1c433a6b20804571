import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = { id: '78151', body: { event: 'experiment.execution.completed', execution: { id: 78151 } } }

export const recorded: Record<string, Row> = {
  'steadybit/experiment.execution.created': ['progress', 'experiment.execution.created', '78151'],
  'steadybit/killswitch.disengaged': ['ignored', 'killswitch.disengaged'],
}

export const composed: Composed[] = [
  [
    'steadybit',
    { event: 'experiment.execution.step-canceled', execution: { id: 7 } },
    ['ended', 'experiment.execution.step-canceled', '7'],
  ],
]
