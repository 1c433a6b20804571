import { invalidInput } from '../../shared/errors.ts'
import { resolveProject } from '../../shared/providers/project.ts'
import type { Report, ReportDestination } from '../../shared/providers/report.ts'
import { plainSingleLine, webLinks } from '../../shared/text/plain-text.ts'
import { repository } from '../../shared/vendors/clients/github.ts'

const MAX_NAME = 200

/**
 * Returns the repository and the commit that a report is about.
 *
 * @throws Failure `invalid`
 */
export function commitOf({ project, ref }: ReportDestination, connection: Record<string, unknown>) {
  const repo = resolveProject(project, connection, { title: 'GitHub', project: repository }, true) as string
  if (ref === undefined) throw invalidInput('input.ref', 'is missing. Send the full SHA of the evaluated commit')
  if (!/^[0-9a-f]{40}$/i.test(ref)) throw invalidInput('input.ref', 'must be a full SHA of 40 hexadecimal digits')
  return { project: repo, ref: ref.toLowerCase() }
}

/** Returns the name of a status or check, one for each stage and service: `slo/production/checkout`. */
export function nameAtCommit({ stage, service }: Report['event']): string {
  return plainSingleLine(['slo', stage, service].filter(Boolean).join('/'), MAX_NAME)
}

/** Returns the URL that shows the evaluation in detail. */
export function detailsUrlOf({ message, evaluation }: Report): string | undefined {
  const { url } = evaluation
  return webLinks([...message.links, { label: '', url: String(url) }])[0]?.url
}
