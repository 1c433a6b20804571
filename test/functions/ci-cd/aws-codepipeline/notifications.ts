import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'shop-delivery#12345678-90ab-cdef-1234-567890abcdef',
  body: {
    id: 'an-event',
    source: 'aws',
    'detail-type': 'CodePipeline Pipeline Execution State Change',
    detail: { pipeline: 'shop-delivery', 'execution-id': '12345678-90ab-cdef-1234-567890abcdef', state: 'SUPERSEDED' },
  },
}

export const recorded: Record<string, Row> = {
  'eventbridge/codepipeline-pipeline-execution-state-change.failed': [
    'ended',
    'CodePipeline Pipeline Execution State Change: FAILED',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.recorded-2026': [
    'progress',
    'CodePipeline Pipeline Execution State Change: STARTED',
    'demo-pipeline#00000000-0000-0000-0000-000000000001',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.started': [
    'progress',
    'CodePipeline Pipeline Execution State Change: STARTED',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.stopping': [
    'progress',
    'CodePipeline Pipeline Execution State Change: STOPPING',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-pipeline-execution-state-change.succeeded': [
    'ended',
    'CodePipeline Pipeline Execution State Change: SUCCEEDED',
    'myPipeline#12345678-1234-5678-abcd-12345678abcd',
  ],
  'eventbridge/codepipeline-stage-execution-state-change.stopped': [
    'ignored',
    'CodePipeline Stage Execution State Change',
  ],
  'eventbridge/codepipeline-stage-execution-state-change.stopping': [
    'ignored',
    'CodePipeline Stage Execution State Change',
  ],
}
