import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import { timeOf } from '../github/issues.ts'
import type { FakeReply } from './http.ts'
import type { JobRun } from './job-runs.ts'
import { page } from './page.ts'

/** A run as `/sandbox/runs` lists it, for people and tests: its state and its times in the words that the list has for all. */
export interface JobRunSummary {
  platform: 'databricks' | 'rundeck' | 'tool'
  id: number
  job: string
  inputs: Record<string, string>
  /** The platform's own word. */
  status: string
  created_at: string
  started_at: string | null
  completed_at: string | null
  html_url: string
}

export function summaryOf(
  { job, parameters, created, started, ended }: JobRun,
  own: Pick<JobRunSummary, 'platform' | 'id' | 'status' | 'html_url'>,
): JobRunSummary {
  return {
    ...own,
    job,
    inputs: parameters,
    created_at: timeOf(created),
    started_at: started === null ? null : timeOf(started),
    completed_at: ended === null ? null : timeOf(ended),
  }
}

/** Returns the page of a run with its state and parameters. */
export function jobRunPage(platform: string, { id, job, inputs, ...run }: JobRunSummary): FakeReply {
  const given = Object.entries(inputs).map(([name, value]) => `${name}: ${value}`)
  const facts = [run.status, `started ${run.created_at}`, run.completed_at && `ended ${run.completed_at}`]
  return page(
    200,
    `${job} · ${platform}`,
    `<small>${escapeHtml(platform)} in the sandbox</small>
<h1>${escapeHtml(job)} <small>#${id}</small></h1>
<p>${escapeHtml(facts.filter(Boolean).join(' · '))}</p>
<pre>${escapeHtml(given.join('\n') || 'No parameters.')}</pre>`,
  )
}
