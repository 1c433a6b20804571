import * as z from 'zod/mini'
import { Failure } from '../../../shared/errors.ts'
import { segment } from '../../../shared/http/client.ts'
import { defineTicketProvider, type OpenTicket, type Ticket, type TicketRef } from '../../../shared/providers/ticket.ts'
import { clip } from '../../../shared/text/plain-text.ts'
import { githubApi, githubConnection, repository } from '../../../shared/vendors/github.ts'
import { marked, markIn, markOf } from '../../../shared/vendors/hidden-marker.ts'

const issue = z.object({
  number: z.int(),
  html_url: z.string(),
  state: z.string(),
  body: z.nullish(z.string()),
  /** The list of issues holds pull requests too. */
  pull_request: z.optional(z.unknown()),
})
type Issue = z.output<typeof issue>
const comment = z.object({ body: z.nullish(z.string()) })

/** How far back an issue of our own is looked for: as long as a repeat is known as one, or as a task may take. */
const remembered = 25 * 3_600_000
const longestTask = 31 * 24 * 3_600_000
const mostPages = 5
const perPage = 100
/** UTF-16 units; what is longer is refused. */
const longestTitle = 256
const longestBody = 65_536

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

  // The list, newest first, shows an issue at once; the search index follows only after a while.
  reservedFields: [{ path: ['body'], instead: 'write input.description' }],

  async find({ http, idempotencyKey: key, isRetry: repeated }, { project }) {
    const since = new Date(Date.now() - (repeated ? longestTask : remembered)).toISOString()
    for (let page = 1; page <= mostPages; page++) {
      const query = { state: 'all', sort: 'created', direction: 'desc', since, per_page: perPage, page }
      const { body: issues } = await http.get(`${repoPath(project)}/issues`, { query, schema: z.array(issue) })
      const found = issues.find(({ body, pull_request }) => body?.includes(markOf(key)) && !pull_request)
      if (found) return ticketOf(project, found)
      if (issues.length < perPage) return undefined
    }
    return undefined
  },

  async open(client, input) {
    const { project, title, description = '', type, assignee, fields } = input
    const clipped = clip(title, longestTitle)
    const text = clipped === title ? description : `${title}\n\n${description}`
    const content = {
      title: clipped,
      body: marked(text, client.idempotencyKey, longestBody),
      ...(type ? { type } : {}),
      ...(assignee ? { assignees: [assignee] } : {}),
      ...(labelsOf(input).length > 0 ? { labels: labelsOf(input) } : {}),
      ...fields,
    }
    const { body } = await client.http.post(`${repoPath(project)}/issues`, content, { schema: issue })
    return ticketOf(project, body)
  },

  async get({ http }, ref) {
    const { repo, path } = locate(ref)
    return ticketOf(repo, (await http.get(path, { schema: issue })).body)
  },

  async update({ http }, ref, changes) {
    const { path } = locate(ref)
    const { title, description, type, assignee, state, fields } = changes
    // The key of the call that opened it stays: a repeat of that call still finds it.
    const mark = description === undefined ? '' : markIn((await http.get(path, { schema: issue })).body.body)
    const patch = {
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { body: clip(description, longestBody - mark.length) + mark }),
      ...(type === undefined ? {} : { type }),
      ...(assignee === undefined ? {} : { assignees: [assignee] }),
      ...(state === undefined ? {} : { state }),
      ...fields,
    }
    if (Object.keys(patch).length > 0) await http.patch(path, patch)
    if (labelsOf(changes).length > 0) await http.post(`${path}/labels`, { labels: labelsOf(changes) })
  },

  async comment(client, ref, text) {
    await client.http.post(`${locate(ref).path}/comments`, { body: marked(text, client.idempotencyKey, longestBody) })
  },

  async hasComment({ http, idempotencyKey: key }, ref) {
    const { path } = locate(ref)
    for (let page = 1; ; page++) {
      const query = { per_page: perPage, page }
      const { body: comments } = await http.get(`${path}/comments`, { query, schema: z.array(comment) })
      if (comments.some(({ body }) => body?.includes(markOf(key)))) return true
      if (comments.length < perPage) return false
    }
  },

  async close({ http }, ref, { resolution }) {
    await http.patch(locate(ref).path, {
      state: 'closed',
      state_reason: reasons[(resolution ?? 'completed').toLowerCase()] ?? resolution,
    })
  },
})

/** GitHub knows few reasons; these are how others call them. */
const reasons: Record<string, string> = {
  completed: 'completed',
  done: 'completed',
  fixed: 'completed',
  "won't do": 'not_planned',
  duplicate: 'duplicate',
}

/** GitHub has no priorities: they become labels. */
function labelsOf({ labels = [], priority }: Pick<OpenTicket, 'labels' | 'priority'>): string[] {
  return priority ? [...labels, `priority: ${priority}`] : labels
}

/** An id is `owner/repo#7`; a bare number goes with the project. */
function locate({ id, project }: TicketRef): { repo: string; path: string } {
  const found = /^(?:([^#]+)#|#)?(\d{1,10})$/.exec(id)
  const repo = found?.[1] ?? project
  const number = found?.[2]
  if (!number || !repo || !repository.pattern.test(repo)) {
    const message = `write it like ${repository.example}#7, or as a number with input.project`
    throw new Failure('invalid', `input.id is no issue: ${message}`, { errors: [{ path: 'input.id', message }] })
  }
  return { repo, path: `${repoPath(repo)}/issues/${segment(number)}` }
}

function repoPath(project: string | undefined): string {
  const [owner = '', repo = ''] = (project ?? '').split('/')
  return `repos/${segment(owner)}/${segment(repo)}`
}

function ticketOf(project: string | undefined, { number, html_url, state }: Issue): Ticket {
  return {
    id: `${project}#${number}`,
    number: String(number),
    url: html_url,
    state,
    isClosed: state === 'closed',
  }
}
