import { Failure } from '../../shared/errors.ts'
import { resolveProject } from '../../shared/providers/project.ts'
import type { Report, ReportDestination } from '../../shared/providers/report.ts'
import { plainSingleLine, webLinks } from '../../shared/text/plain-text.ts'
import { repository } from '../../shared/vendors/github.ts'

const longestName = 200

/**
 * The commit of a repository on GitHub that a report is about.
 *
 * @throws Failure `invalid`
 */
export function commitOf({ project, ref }: ReportDestination, connection: Record<string, unknown>) {
  const repo = resolveProject(project, connection, { title: 'GitHub', project: repository }, true) as string
  if (ref === undefined) throw invalid('is missing: give the commit that was evaluated, as its whole SHA')
  if (!/^[0-9a-f]{40}$/i.test(ref)) throw invalid('is no commit: write its whole SHA, of 40 hexadecimal digits')
  return { project: repo, ref: ref.toLowerCase() }
}

/** What a report is called at a commit, where each stage may have its own: `slo/production/checkout`. */
export function nameAtCommit({ stage, service }: Report['event']): string {
  return plainSingleLine(['slo', stage, service].filter(Boolean).join('/'), longestName)
}

/** Where people see more of it. */
export function detailsOf({ message, evaluation }: Report): string | undefined {
  const { url } = evaluation
  return webLinks([...message.links, { label: '', url: String(url) }])[0]?.url
}

function invalid(message: string): Failure {
  return new Failure('invalid', `input.ref ${message}`, { errors: [{ path: 'input.ref', message }] })
}
