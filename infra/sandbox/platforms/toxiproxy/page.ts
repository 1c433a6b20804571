import { escapeHtml } from '../../../../shared/text/escape-html.ts'
import type { FakeReply } from '../sandbox/http.ts'
import { page } from '../sandbox/page.ts'
import type { Toxic, ToxicProxy } from './input.ts'

/** Lists the proxies and their toxics. */
export function proxiesPage(proxies: ToxicProxy[]): FakeReply {
  const shown = proxies.map(({ name, listen, upstream, toxics }) => {
    const injected = toxics.map((toxic) => `${toxic.name}: ${describeToxic(toxic)}`)
    return `<h2>${escapeHtml(name)}</h2>
<p>${escapeHtml(`${listen} to ${upstream}`)}</p>
<pre>${escapeHtml(injected.join('\n') || 'No toxics')}</pre>`
  })
  return page(200, 'Toxiproxy', `<small>In the sandbox</small>\n<h1>Proxies</h1>\n${shown.join('\n')}`)
}

/** Describes a toxic: `latency downstream, latency 300, jitter 0`. */
export function describeToxic({ type, stream, attributes, toxicity }: Toxic): string {
  const values = Object.entries(attributes).map(([name, value]) => `${name} ${value}`)
  const share = toxicity < 1 ? ` on ${Math.round(toxicity * 100)} % of connections` : ''
  return `${[`${type} ${stream}`, ...values].join(', ')}${share}`
}
