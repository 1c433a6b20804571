import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'folder/job#queue-7',
  body: { type: 'run.finalized', source: 'job/folder/job/job/', data: { number: 1, queueId: 7 } },
}

export const recorded: Record<string, Row> = {
  'jenkins/generic-event.run.completed': [
    'progress',
    'run.completed',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.deleted': [
    'progress',
    'run.deleted',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.finalized': [
    'ended',
    'run.finalized',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.initialize': [
    'progress',
    'run.initialize',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
  'jenkins/generic-event.run.started': [
    'progress',
    'run.started',
    'my-devops-project/example-pipeline#1',
    'my-devops-project/example-pipeline#queue-1',
  ],
}

export const composed: Composed[] = [
  ['jenkins', { job: 'shop/main', number: 12, result: 'SUCCESS' }, ['ended', 'SUCCESS', 'shop/main#12']],
  [
    'jenkins',
    { name: 'main', url: 'job/shop/job/feature%252Fa/', build: { number: 3, queue_id: 40, phase: 'COMPLETED' } },
    ['progress', 'COMPLETED', 'shop/feature%2Fa#3', 'shop/feature%2Fa#queue-40'],
  ],
  [
    'jenkins',
    { name: 'main', url: 'job/main/', build: { number: 3, phase: 'FINALIZED' } },
    ['ended', 'FINALIZED', 'main#3'],
  ],
  ['jenkins', { type: 'item.created', source: 'job/main/' }, ['ignored', 'item.created']],
]
