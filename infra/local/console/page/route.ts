import { computed, signal } from '@preact/signals'

/** The view that the URL names: `#/calls/8f3c21d9?tab=requests`. */
export interface Route {
  page: string
  parts: string[]
  query: URLSearchParams
}

const hash = signal(location.hash)
window.addEventListener('hashchange', () => {
  hash.value = location.hash
})

export const route = computed((): Route => {
  const [path = '', query = ''] = hash.value.replace(/^#\/?/, '').split('?', 2)
  const [page = 'calls', ...parts] = path.split('/').filter(Boolean).map(decode)
  return { page, parts, query: new URLSearchParams(query) }
})

/** Returns the link to a view. Empty parameters are omitted. */
export function linkTo(parts: string[], query: Record<string, string | undefined> | URLSearchParams = {}): string {
  const pairs = query instanceof URLSearchParams ? [...query] : Object.entries(query)
  const search = new URLSearchParams(pairs.filter((pair): pair is [string, string] => Boolean(pair[1])))
  // Commas separate values, so they stay readable.
  const text = search.toString().replaceAll('%2C', ',').replaceAll('%21', '!')
  return `#/${parts.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`
}

export function go(link: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(null, '', link)
    hash.value = link
  } else location.hash = link
}

/** Changes parameters of the current view, without an entry in the history. */
export function setQuery(changes: Record<string, string | undefined>): void {
  const { page, parts, query } = route.value
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value)
    else next.delete(name)
  }
  go(linkTo([page, ...parts], next), { replace: true })
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
