import { isRecord } from '../../record.ts'
import type { CallEvent } from './event.ts'

/** The problem in an event. */
export interface Problem {
  id: string | undefined
  title: string
  url: string | undefined
  /** The names of the affected entities. */
  impacted: string[]
  /** Dynatrace's description of the problem, if it was sent as text. */
  details: string | undefined
}

/** Returns the problem in an event. Undefined if it has no title. */
export function problemIn(event: CallEvent): Problem | undefined {
  const fields = problemFields(event)
  const title = titleIn(fields)
  if (!title) return undefined
  return {
    id: textOf(fields['ProblemID']) ?? textOf(fields['PID']),
    title,
    url: textOf(fields['ProblemURL']),
    impacted: namesIn(fields['ImpactedEntities'] ?? fields['ImpactedEntity']),
    details: textOf(fields['ProblemDetails']),
  }
}

/**
 * Returns the fields of the problem with Dynatrace's names. They come from a remediation (`data.problem`), the quick start's
 * trigger (`data.incident`) or Dynatrace's notification (`data.dynatraceProblem`).
 *
 * @see https://github.com/keptn/spec/blob/master/cloudevents.md (problem)
 */
export function problemFields({ data }: CallEvent): Record<string, unknown> {
  const found = [data.problem, data.incident, data.dynatraceProblem].filter((fields) => fields !== undefined)
  return found.find(titleIn) ?? found[0] ?? {}
}

function titleIn(fields: Record<string, unknown>): string | undefined {
  return textOf(fields['ProblemTitle'] ?? fields['problemTitle'])
}

/** Returns the names of a text, or of a list of objects. A form turns a list into an object with numbers as names. */
function namesIn(entities: unknown): string[] {
  if (typeof entities === 'string') return entities === '' ? [] : [entities]
  if (!isRecord(entities) && !Array.isArray(entities)) return []
  return Object.values(entities).flatMap((entity) => textOf(isRecord(entity) ? entity['name'] : entity) ?? [])
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
