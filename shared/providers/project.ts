import { Failure } from '../errors.ts'

/** How a platform names the place that things are in, and whether it can do without. */
export interface ProjectFormat {
  pattern: RegExp
  example: string
  optional?: true
}

/**
 * The project of a call: the input's, else the connection's.
 *
 * @param required whether the platform must be told; else what it does not name stays undefined
 * @throws Failure `invalid`
 */
export function resolveProject(
  asked: string | undefined,
  connection: Record<string, unknown>,
  { title, project: named }: { title: string; project: ProjectFormat | undefined },
  required: boolean,
): string | undefined {
  const project = asked ?? (connection['project'] as string | undefined)
  if (!named) {
    if (project === undefined) return undefined
    throw notAProject(`of no use, since ${title} has no projects: leave it out`)
  }
  if (project === undefined) {
    if (!required || named.optional) return undefined
    throw notAProject(`missing, and the connection has no default: write it like ${named.example}`)
  }
  if (!named.pattern.test(project)) throw notAProject(`not a project here: write it like ${named.example}`)
  return project
}

function notAProject(message: string): Failure {
  return new Failure('invalid', `input.project is ${message}`, { errors: [{ path: 'input.project', message }] })
}
