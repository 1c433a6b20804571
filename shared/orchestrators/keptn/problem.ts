import { isRecord } from '../../record.ts'
import type { CallEvent } from './event.ts'

/** A problem that an event carries. */
export interface Problem {
  id: string | undefined
  title: string
  url: string | undefined
  /** What it affects, by name. */
  impacted: string[]
  /** Dynatrace's description of the problem, if it was sent as text. */
  details: string | undefined
}

/** The problem that an event carries; undefined if it has no title. */
export function problemOf(event: CallEvent): Problem | undefined {
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
 * The fields of the problem by Dynatrace's names, whichever way it came: of a remediation (`data.problem`), of the quick
 * start's trigger (`data.incident`) or of Dynatrace's own notification (`data.dynatraceProblem`).
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

/** Names as text, or objects that have a name; in a form, a list is an object with numbers for names. */
function namesIn(entities: unknown): string[] {
  if (typeof entities === 'string') return entities === '' ? [] : [entities]
  if (!isRecord(entities) && !Array.isArray(entities)) return []
  return Object.values(entities).flatMap((entity) => textOf(isRecord(entity) ? entity['name'] : entity) ?? [])
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
