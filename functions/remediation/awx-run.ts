import { invalidInput } from '../../shared/errors.ts'
import { segment } from '../../shared/http/segment.ts'
import type { Verdict } from '../../shared/providers/job.ts'
import type { TemplateKind } from './awx-templates.ts'

/** From `UnifiedJobTemplate.JOB_STATUS_CHOICES` of its source. */
export const states: Readonly<Record<string, Verdict>> = {
  new: 'running',
  pending: 'running',
  waiting: 'running',
  running: 'running',
  successful: 'pass',
  failed: 'fail',
  error: 'errored',
  canceled: 'aborted',
}

export const kinds = {
  job: { runs: 'jobs', page: 'playbook' },
  workflow: { runs: 'workflow_jobs', page: 'workflow' },
} as const

/** Parses an id such as `job/12` or `workflow/7`. */
export function parseId(api: string, id: string): { kind: TemplateKind; path: string } {
  const [, kind, number] = /^(job|workflow)\/(\d{1,15})$/.exec(id) ?? []
  if (!kind || !number) throw invalidInput('input.id', 'must be like job/12 or workflow/7')
  return { kind: kind as TemplateKind, path: `${api}/${kinds[kind as TemplateKind].runs}/${segment(number)}/` }
}
