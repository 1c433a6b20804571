import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import type { FakeReply } from '../sandbox/http.ts'
import { page } from '../sandbox/page.ts'
import type { EventReport } from './routes.ts'
import type { Slo } from './slos.ts'

/** An SLO in the list `/sandbox/slos`. */
export interface SloSummary extends Slo {
  status: string
  url: string
}

const style = `
  label { display: grid; font-size: 14px } input { width: 112px }`

/** Lists the objectives, with forms to change their values. */
export function sloPage(slos: SloSummary[], reports: EventReport[], root: string): FakeReply {
  const events = reports.toReversed().map(({ at, eventType, title, entity }) => {
    const about = entity === null ? '' : ` · ${entity}`
    return `<li>${escapeHtml(`${at.slice(0, 19).replace('T', ' ')} UTC · ${eventType}${about}: ${title}`)}</li>`
  })
  const [first] = slos
  return page(
    200,
    'Service-level objectives',
    `<small>Dynatrace in the sandbox</small>
<h1>Service-level objectives</h1>
<p>What is set here is the next evaluation. A value at or above the warning passes, one from the target up to it ends with a
warning, a value below the target fails; an empty value means no data.</p>
${slos.map(sloHtml).join('\n')}
<pre>${escapeHtml(`curl -s '${root}/set' -d 'slo=${first?.name}&value=90'`)}</pre>
<h2>Events</h2>
<ul>${events.join('\n') || '<li>Nothing was ingested yet.</li>'}</ul>`,
    style,
  )
}

/** Why something was not set. */
export function wrongPage(status: number, why: string): FakeReply {
  const back = '<p><a href="/sandbox/dynatrace">Back to the objectives</a></p>'
  return page(status, 'Not set', `<h1>Nothing was set</h1>\n<p>${escapeHtml(why)}</p>\n${back}`)
}

function sloHtml({ id, name, description, value, target, warning, status }: SloSummary): string {
  const field = (label: string, input: string, current: number | null) =>
    `<label>${label}<input name="${input}" type="number" min="0" max="100" step="any" value="${current ?? ''}"></label>`
  return `<h2 id="${escapeHtml(id)}">${escapeHtml(name)}</h2>
<p>${escapeHtml(`${description}: ${value === null ? 'no data' : `${value} %, ${status}`}`)}</p>
<form method="post" action="/sandbox/dynatrace/set"><input type="hidden" name="slo" value="${escapeHtml(id)}">
${field('Value, %', 'value', value)}${field('Warning, %', 'warning', warning)}${field('Target, %', 'target', target)}
<button>Set</button>
</form>`
}
