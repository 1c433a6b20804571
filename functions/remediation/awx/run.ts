import { segment } from '../../../shared/http/segment.ts'
import type { Verdict } from '../../../shared/providers/job.ts'
import type { TemplateKind } from './templates.ts'

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

/** The id of a run, such as `job/12` or `workflow/7`. */
export const RUN_ID = /^(job|workflow)\/(\d{1,15})$/

export function partsOf(api: string, id: string): { kind: TemplateKind; path: string } {
  const [kind, number = ''] = id.split('/')
  return { kind: kind as TemplateKind, path: `${api}/${kinds[kind as TemplateKind].runs}/${segment(number)}/` }
}
