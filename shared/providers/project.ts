import { invalidInput } from '../errors.ts'

/** The format of a platform's project names. */
export interface ProjectFormat {
  pattern: RegExp
  example: string
  /** The platform also works without a project. */
  optional?: true
}

/**
 * Returns the project of a call: the input's, else the connection's.
 *
 * @param isRequired whether the action needs a project
 * @throws Failure `invalid`
 */
export function resolveProject(
  input: string | undefined,
  connection: Record<string, unknown>,
  { title, project: format }: { title: string; project: ProjectFormat | undefined },
  isRequired: boolean,
): string | undefined {
  const project = input ?? (connection['project'] as string | undefined)
  if (!format) {
    if (project === undefined) return undefined
    throw invalidInput('input.project', `is not supported: ${title} has no projects`)
  }
  if (project === undefined) {
    if (!isRequired || format.optional) return undefined
    throw invalidInput('input.project', `is required, because the connection has no default: ${format.example}`)
  }
  if (!format.pattern.test(project)) throw invalidInput('input.project', `must look like ${format.example}`)
  return project
}
