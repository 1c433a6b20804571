import type { Answer } from '../sandbox/http.ts'
import { escaped, page } from '../sandbox/page.ts'
import type { Toxic, ToxicProxy } from './input.ts'

/** What a person sees at the address of Toxiproxy: each proxy, and what is injected into it. */
export function proxiesPage(proxies: ToxicProxy[]): Answer {
  const shown = proxies.map(({ name, listen, upstream, enabled, toxics }) => {
    const injected = toxics.map((toxic) => `${toxic.name}: ${wordsOf(toxic)}`)
    return `<h2>${escaped(name)}</h2>
<p>${escaped(`${listen} to ${upstream}${enabled ? '' : ', disabled'}`)}</p>
<pre>${escaped(injected.join('\n') || 'Nothing is injected.')}</pre>`
  })
  return page(200, 'Toxiproxy', `<small>In the sandbox</small>\n<h1>Proxies</h1>\n${shown.join('\n')}`)
}

/** `latency downstream, latency 300, jitter 0`, for people. */
export function wordsOf({ type, stream, attributes, toxicity }: Toxic): string {
  const values = Object.entries(attributes).map(([name, value]) => `${name} ${value}`)
  const share = toxicity < 1 ? ` on ${Math.round(toxicity * 100)} % of connections` : ''
  return `${[`${type} ${stream}`, ...values].join(', ')}${share}`
}
