import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'wh-0a1b2c3d4e5f',
  body: { pipelineRun: {} },
  headers: { 'ce-type': 'dev.tekton.event.pipelinerun.failed.v1', 'ce-subject': 'wh-0a1b2c3d4e5f' },
}

export const recorded: Record<string, Row> = {
  'tekton/taskrun.unknown': ['ignored', 'dev.tekton.event.taskrun.unknown.v1'],
}

export const composed: Composed[] = [
  [
    'tekton',
    { pipelineRun: {} },
    ['ended', 'dev.tekton.event.pipelinerun.successful.v1', 'shop-x7k2p'],
    { 'ce-type': 'dev.tekton.event.pipelinerun.successful.v1', 'ce-subject': 'shop-x7k2p' },
  ],
  [
    'tekton',
    { pipelineRun: {} },
    ['ended', 'dev.tekton.event.pipelinerun.failed.v1', 'shop-x7k2p'],
    { 'ce-type': 'dev.tekton.event.pipelinerun.failed.v1', 'ce-subject': 'shop-x7k2p' },
  ],
  [
    'tekton',
    {},
    ['progress', 'dev.tekton.event.pipelinerun.running.v1', 'shop-x7k2p'],
    { 'ce-type': 'dev.tekton.event.pipelinerun.running.v1', 'ce-subject': 'shop-x7k2p' },
  ],
]
