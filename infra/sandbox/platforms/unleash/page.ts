import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import { demo } from '../sandbox/demo.ts'
import type { FakeReply } from '../sandbox/http.ts'
import { page } from '../sandbox/page.ts'
import type { ChangeRequest } from './changes.ts'

/** A flag in the list `/sandbox/flags`. */
export interface FlagSummary {
  name: string
  project: string
  description: string | null
  url: string
  /** `rollout` belongs to the first active strategy that has one. */
  environments: { name: string; enabled: boolean; rollout: string | undefined }[]
  changeRequests: { id: number; environment: string; state: string; url: string }[]
}

/** Returns the page of a flag with its state in each environment and its change requests. */
export function flagPage(flag: FlagSummary): FakeReply {
  const environments = flag.environments.map(({ name, enabled, rollout }) => {
    const share = rollout === undefined ? '' : ` for ${rollout} %`
    return `<li>${escapeHtml(`${name}: ${enabled ? 'on' : 'off'}${share}`)}</li>`
  })
  const requests = flag.changeRequests.map(
    ({ id, state, environment, url }) =>
      `<li><a href="${escapeHtml(url)}">Change request ${id}</a> in ${escapeHtml(environment)}: ${state}</li>`,
  )
  return page(
    200,
    `${flag.name} · ${flag.project}`,
    `<small>Feature flag of the project ${escapeHtml(flag.project)} in the sandbox</small>
<h1>${escapeHtml(flag.name)}</h1>
<p>${escapeHtml(flag.description ?? 'No description.')}</p>
<ul>
${[...environments, ...requests].join('\n')}
</ul>`,
  )
}

/** The possible next states of a change request, with the token of a user that may set them. */
const NEXT_STATES: Record<string, [state: string, token: string][]> = {
  Draft: [['In review', demo.unleash.token]],
  'In review': [
    ['Approved', demo.unleash.reviewerToken],
    ['Rejected', demo.unleash.reviewerToken],
  ],
  Approved: [['Applied', demo.unleash.reviewerToken]],
}

/** Returns the page of a change request, with commands that change its state. */
export function changeRequestPage(root: string, request: ChangeRequest): FakeReply {
  const { id, title, environment, state, features, comments } = request
  const changes = features.flatMap(({ name, changes }) =>
    changes.map(({ action, payload }) => `${name}: ${action} ${JSON.stringify(payload)}`),
  )
  const url = `${root}/api/admin/projects/${request.project}/change-requests/${id}/state`
  const commands = (NEXT_STATES[state] ?? []).map(
    ([to, token]) =>
      `curl -X PUT '${url}' -H 'Authorization: ${token}' -H 'Content-Type: application/json' -d '{"state":"${to}"}'`,
  )
  return page(
    200,
    `${title} · ${request.project}`,
    `<small>Change request of the project ${escapeHtml(request.project)} in the sandbox</small>
<h1>${escapeHtml(title)} <small>#${id}</small></h1>
<p>${escapeHtml(`${state} · ${environment}`)}</p>
<pre>${escapeHtml(changes.join('\n'))}</pre>
${comments.map(({ text, createdAt }) => `<p><small>${createdAt}</small></p><pre>${escapeHtml(text)}</pre>`).join('\n')}
${commands.map((command) => `<pre>${escapeHtml(command)}</pre>`).join('\n')}`,
  )
}
