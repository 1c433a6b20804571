import type { Composed, End, Row } from '../../../shared/sources/expected-events.ts'

/** A stored run, and a notification of its end. */
export const end: End = {
  id: '12345678-90ab-cdef-1234-567890abcdef',
  body: { type: 'workflow-completed', pipeline: { id: '12345678-90ab-cdef-1234-567890abcdef' } },
}

export const recorded: Record<string, Row> = {
  'circleci/job-completed.github-app': ['progress', 'job-completed', '37c74cb7-d64d-4032-8731-1cb95bfef921'],
  'circleci/job-completed.github-oauth': ['progress', 'job-completed', '1285fe1d-d3a6-44fc-8886-8979558254c4'],
  'circleci/workflow-completed.github-app': ['ended', 'workflow-completed', '37c74cb7-d64d-4032-8731-1cb95bfef921'],
  'circleci/workflow-completed.github-oauth': ['ended', 'workflow-completed', '1285fe1d-d3a6-44fc-8886-8979558254c4'],
}

export const composed: Composed[] = [['circleci', { type: 'ping' }, ['first-request', 'ping']]]
