import type { End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'shop-build:12345678-90ab-cdef-1234-567890abcdef',
  body: {
    id: 'an-event',
    source: 'aws',
    'detail-type': 'CodeBuild Build State Change',
    detail: {
      'build-status': 'SUCCEEDED',
      'build-id': 'arn:aws:codebuild:eu-west-1:123456789012:build/shop-build:12345678-90ab-cdef-1234-567890abcdef',
    },
  },
}

export const recorded: Record<string, Row> = {
  'eventbridge/codebuild-build-state-change.succeeded': [
    'ended',
    'CodeBuild Build State Change: SUCCEEDED',
    'my-sample-project:8745a7a9-c340-456a-9166-edf953571bEX',
  ],
}
