import * as z from 'zod/mini'
import { segment } from '../../../shared/http/segment.ts'
import { parseProjectNumber } from '../../../shared/providers/project-number.ts'
import { searchSince } from '../../../shared/providers/search-window.ts'
import { defineTicketProvider, type OpenTicket, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { clip } from '../../../shared/text/plain-text.ts'
import { clipSingleLine, clipTitle } from '../../../shared/text/single-line.ts'
import { repository, repositoryPath } from '../../../shared/vendors/clients/github.ts'
import { githubApi, githubConnection } from '../../../shared/vendors/github.ts'
import { markerIn, markerOf, withMarker, withoutMarkers } from '../../../shared/vendors/hidden-marker.ts'

const issue = z.object({
  number: z.int(),
  html_url: z.string(),
  state: z.string(),
  body: z.nullish(z.string()),
  created_at: z.string(),
  /** The list of issues includes pull requests. */
  pull_request: z.optional(z.unknown()),
})
type Issue = z.output<typeof issue>
const comment = z.object({ body: z.nullish(z.string()) })

const MAX_PAGES = 5
const PAGE_SIZE = 100
/** GitHub refuses longer texts, measured in UTF-16 units. */
const MAX_TITLE = 256
const MAX_BODY = 65_536

/**
 * GitHub Issues.
 *
 * @see https://docs.github.com/en/rest/issues/issues
 */
export const github = defineTicketProvider({
  title: 'GitHub',
  noun: 'issue',
  connection: z.strictObject(githubConnection),
  ...githubApi,
  project: repository,

  checkRef(ref) {
    locate(ref)
  },

  reservedFields: [{ path: ['body'], instead: 'write input.description' }],

  lookUp: { newest: MAX_PAGES * PAGE_SIZE },

  // The list shows a new issue immediately. The search index lags.
  async find({ http, idempotencyKey, isRetry }, { project = '' }) {
    const since = searchSince(isRetry)
    const query = { state: 'all', sort: 'created', direction: 'desc', since: since.toISOString(), per_page: PAGE_SIZE }
    for (let page = 1; page <= MAX_PAGES; page++) {
      const { body: issues } = await http.get(`${repositoryPath(project)}/issues`, {
        query: { ...query, page },
        schema: z.array(issue),
      })
      const found = issues.find(({ body, pull_request }) => body?.includes(markerOf(idempotencyKey)) && !pull_request)
      if (found) return ticketOf(project, found)
      // GitHub selects by the last change, so the list also contains issues that are older than the call.
      const reachesBack = issues.some(({ created_at }) => Date.parse(created_at) < since.getTime())
      if (issues.length < PAGE_SIZE || reachesBack) return undefined
    }
    return 'unknown'
  },

  async open(client, input) {
    const { project = '', type, assignee, fields } = input
    const { title, description } = clipTitle(input, MAX_TITLE)
    const content = {
      title,
      body: withMarker(description, client.idempotencyKey, MAX_BODY),
      ...(type ? { type } : {}),
      ...(assignee ? { assignees: [assignee] } : {}),
      ...(labelsOf(input).length > 0 ? { labels: labelsOf(input) } : {}),
      ...fields,
    }
    const { body } = await client.http.post(`${repositoryPath(project)}/issues`, content, { schema: issue })
    return ticketOf(project, body)
  },

  async get({ http }, ref) {
    const { project, path } = locate(ref)
    return ticketOf(project, (await http.get(path, { schema: issue })).body)
  },

  async update({ http }, ref, changes) {
    const { path } = locate(ref)
    const { title, description, type, assignee, state, fields } = changes
    // Keep the marker, so that a repeated open still finds the issue.
    const marker = description === undefined ? '' : markerIn((await http.get(path, { schema: issue })).body.body)
    const patch = {
      ...(title === undefined ? {} : { title: clipSingleLine(title, MAX_TITLE) }),
      ...(description === undefined
        ? {}
        : { body: clip(withoutMarkers(description), MAX_BODY - marker.length) + marker }),
      ...(type === undefined ? {} : { type }),
      ...(assignee === undefined ? {} : { assignees: [assignee] }),
      ...(state === undefined ? {} : { state: state.toLowerCase() }),
      ...fields,
    }
    if (Object.keys(patch).length > 0) await http.patch(path, patch)
    if (labelsOf(changes).length > 0) await http.post(`${path}/labels`, { labels: labelsOf(changes) })
  },

  async comment(client, ref, text) {
    await client.http.post(`${locate(ref).path}/comments`, { body: withMarker(text, client.idempotencyKey, MAX_BODY) })
  },

  async hasComment({ http, idempotencyKey }, ref) {
    const { path } = locate(ref)
    for (let page = 1; ; page++) {
      const query = { per_page: PAGE_SIZE, page }
      const { body: comments } = await http.get(`${path}/comments`, { query, schema: z.array(comment) })
      if (comments.some(({ body }) => body?.includes(markerOf(idempotencyKey)))) return true
      if (comments.length < PAGE_SIZE) return false
    }
  },

  async close({ http }, ref, { resolution }) {
    await http.patch(locate(ref).path, {
      state: 'closed',
      state_reason: STATE_REASONS[(resolution ?? 'completed').toLowerCase()] ?? resolution,
    })
  },
})

/** Maps common resolutions to the reasons that GitHub accepts. */
const STATE_REASONS: Record<string, string> = {
  completed: 'completed',
  done: 'completed',
  fixed: 'completed',
  "won't do": 'not_planned',
  duplicate: 'duplicate',
}

/** Adds the priority as a label, because GitHub has no priorities. */
function labelsOf({ labels = [], priority }: Pick<OpenTicket, 'labels' | 'priority'>): string[] {
  return priority ? [...labels, `priority: ${priority}`] : labels
}

function locate(ref: TicketRef): { project: string; path: string } {
  const { project, number } = parseProjectNumber(ref, repository)
  return { project, path: `${repositoryPath(project)}/issues/${segment(number)}` }
}

function ticketOf(project: string, { number, html_url, state }: Issue): Ticket {
  return { id: `${project}#${number}`, number: String(number), url: html_url, state, isClosed: state === 'closed' }
}
