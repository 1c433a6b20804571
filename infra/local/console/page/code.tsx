import type { ComponentChildren } from 'preact'
import { pretty } from './format.ts'

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b/gi

/** Shows JSON with colors, or any other text, in a block that can be scrolled with the keyboard. */
export function Code({ label, children }: { label: string; children: unknown }) {
  const text = pretty(children)
  return (
    <section aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable with the keyboard. */}
      <pre tabIndex={0}>{/^\s*[[{]/.test(text) ? highlight(text) : masked(text)}</pre>
    </section>
  )
}

function highlight(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = []
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    const [all, string, colon = '', literal] = match
    parts.push(text.slice(end, match.index))
    if (string === undefined) parts.push(<span class="lit">{literal}</span>)
    else if (string === '"***"') parts.push('"', <span class="masked">masked</span>, '"')
    else parts.push(<span class={colon === '' ? 'str' : 'key'}>{string}</span>, colon)
    end = match.index + all.length
  }
  return [...parts, text.slice(end)]
}

/** Shows masked credentials as such. */
function masked(text: string): ComponentChildren[] {
  return text.split('***').flatMap((part, index) => (index === 0 ? [part] : [<span class="masked">masked</span>, part]))
}
