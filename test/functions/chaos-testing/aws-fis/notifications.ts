import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'EXPabc123DEFghi',
  body: {
    id: 'an-event',
    source: 'aws',
    'detail-type': 'FIS Experiment State Change',
    detail: { 'experiment-id': 'EXPabc123DEFghi', 'new-state': { status: 'stopped' } },
  },
}

export const recorded: Record<string, Row> = {
  'eventbridge/fis-experiment-state-change.completed': [
    'ended',
    'FIS Experiment State Change: completed',
    'EXPaBCD1efg2HIJkL3',
  ],
}
