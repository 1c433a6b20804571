import type { CallEvent } from './event.ts'

/** A problem that an event carries. */
export interface Problem {
  id: string | undefined
  title: string
  url: string | undefined
}

/**
 * The problem of a remediation (`data.problem`, Keptn's form) or of the quick start (`data.incident`): both name their
 * parts as Dynatrace does.
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (problem)
 */
export function problemOf(event: CallEvent): Problem | undefined {
  const problem = event.data.problem ?? event.data.incident
  const title = textOf(problem?.['ProblemTitle'] ?? problem?.['problemTitle'])
  if (!title) return undefined
  return { id: textOf(problem?.['ProblemID']), title, url: textOf(problem?.['ProblemURL']) }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
