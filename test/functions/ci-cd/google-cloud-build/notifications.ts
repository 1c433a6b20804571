import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: 'acme-shop#12345678-90ab-cdef-1234-567890abcdef',
  body: {
    message: { messageId: '1', attributes: { buildId: '12345678-90ab-cdef-1234-567890abcdef', status: 'CANCELLED' } },
  },
}

export const recorded: Record<string, Row> = {
  'google-cloud-build/cloud-build.push': ['ended', 'SUCCESS', '12345678-abcd-1234-5678-abcdef012345'],
}

export const composed: Composed[] = [
  [
    'google-cloud-build',
    { message: { messageId: '1', attributes: { buildId: 'b', status: 'WORKING' } } },
    ['progress', 'WORKING', 'b'],
  ],
]
