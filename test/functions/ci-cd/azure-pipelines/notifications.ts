import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = { id: 'fabrikam/Shop#512', body: { eventType: 'build.complete', resource: { id: 512 } } }

export const recorded: Record<string, Row> = {
  'azure-devops/build.complete': ['ended', 'build.complete', '2'],
  'azure-devops/run-state-changed': ['ended', 'ms.vss-pipelines.run-state-changed-event', '11'],
  'azure-devops/stage-state-changed': ['progress', 'ms.vss-pipelines.stage-state-changed-event', '2'],
}

export const composed: Composed[] = [
  ['azure-devops', { eventType: 'workitem.updated', resource: { id: 5 } }, ['ignored', 'workitem.updated']],
  [
    'azure-devops',
    { eventType: 'ms.vss-pipelines.run-state-changed-event', resource: { run: { id: 5, state: 'inProgress' } } },
    ['progress', 'ms.vss-pipelines.run-state-changed-event', '5'],
  ],
]
