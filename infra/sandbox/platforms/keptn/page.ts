import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import { clockTime } from '../../clock-time.ts'
import { type FakeReply, isObject } from '../sandbox/http.ts'
import { page } from '../sandbox/page.ts'
import type { RecordedEvent } from './recorded-event.ts'

/** Lists the events of a sequence, oldest first. */
export function sequencePage(project: string, events: RecordedEvent[]): FakeReply {
  const lines = events.map(({ at, event }) => {
    const { status, result, message } = isObject(event.data) ? event.data : {}
    const end = event.type.endsWith('.finished') ? [`${status}/${result}`, message] : []
    return [clockTime(Date.parse(at)), event.type.replace('sh.keptn.event.', ''), ...end].filter(Boolean).join('  ')
  })
  return page(
    200,
    `Sequence · ${project}`,
    `<small>Project ${escapeHtml(project)} in the sandbox</small>\n<h1>Sequence</h1>\n<pre>${escapeHtml(lines.join('\n'))}</pre>`,
  )
}
