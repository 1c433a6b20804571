import { invalidInput } from '../errors.ts'
import type { ProjectFormat } from './project.ts'
import type { TicketRef } from './ticket.ts'

/**
 * Parses the id of a ticket that is numbered within its project: `owner/repo#7`, or a number with `input.project`.
 *
 * @throws Failure `invalid`
 */
export function parseProjectNumber(
  { id, project: inputProject }: TicketRef,
  { pattern, example }: ProjectFormat,
): { project: string; number: string } {
  const match = /^(?:([^#]+)#|#)?(\d{1,10})$/.exec(id)
  const project = match?.[1] ?? inputProject
  const number = match?.[2]
  if (number && project && pattern.test(project)) return { project, number }
  throw invalidInput('input.id', `must be an id such as ${example}#7, or a number with input.project`)
}
