import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'group/shop#61',
  body: { object_kind: 'pipeline', object_attributes: { id: 61, status: 'failed' } },
}

export const recorded: Record<string, Row> = {
  'gitlab/job': ['progress', 'build.created', '2366'],
  'gitlab/pipeline': ['ended', 'pipeline.success', '31'],
}

export const composed: Composed[] = [
  [
    'gitlab',
    { object_kind: 'pipeline', object_attributes: { id: 5, status: 'manual' } },
    ['ended', 'pipeline.manual', '5'],
  ],
  [
    'gitlab',
    { object_kind: 'pipeline', object_attributes: { id: 5, status: 'running' } },
    ['progress', 'pipeline.running', '5'],
  ],
]
