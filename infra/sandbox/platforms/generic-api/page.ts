import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import type { FakeReply } from '../sandbox/http.ts'
import type { JobRunSummary } from '../sandbox/job-run-summary.ts'
import { page } from '../sandbox/page.ts'
import type { ToolTicket } from './tickets.ts'

export interface ToolFlag {
  name: string
  environment: string
  enabled: boolean
  rollout: number
}

export interface ToolMessage {
  id: string
  room: string
  title: string
  text: string
  link: string | null
  level: string | null
  permalink: string
}

export interface ToolSeries {
  name: string
  value: number | null
}

interface Shown {
  tickets: ToolTicket[]
  runs: JobRunSummary[]
  flags: ToolFlag[]
  messages: ToolMessage[]
  series: ToolSeries[]
}

/** Lists all records, newest first. */
export function toolPage({ tickets, runs, flags, messages, series }: Shown): FakeReply {
  const parts = [
    list('Tickets', tickets, ({ number, title, status, notes }) => [
      number,
      [title, status, ...notes.map(({ text }) => `note: ${text}`)],
    ]),
    list('Runs', runs, ({ id, job, status }) => [`run-${id}`, [`#${id}`, job, status]]),
    list('Messages', messages, ({ id, room, title, text, link }) => [`message-${id}`, [room, title, text], link]),
    list('Flags', flags, ({ name, environment, enabled, rollout }) => [
      `${environment}-${name}`,
      [environment, name, enabled ? `on, ${rollout} %` : 'off'],
    ]),
    list('Series', series, ({ name, value }) => [name, [name, value === null ? 'no data' : String(value)]]),
  ]
  return page(200, 'Generic API', `<small>In the sandbox</small>\n<h1>Generic API</h1>\n${parts.join('\n')}`)
}

type Row = [id: string, facts: string[], link?: string | null]

function list<T>(title: string, items: T[], shown: (item: T) => Row): string {
  const rows = items.toReversed().map((item) => {
    const [id, facts, link] = shown(item)
    const text = escapeHtml([...facts].filter(Boolean).join(' · '))
    const isWeb = /^https?:$/.test(URL.parse(link ?? '')?.protocol ?? '')
    return `<li id="${escapeHtml(id)}">${text}${isWeb ? ` · <a href="${escapeHtml(link ?? '')}" rel="noreferrer">Open</a>` : ''}</li>`
  })
  return `<h2>${title}</h2>\n<ul>${rows.join('\n') || '<li>Nothing yet.</li>'}</ul>`
}
