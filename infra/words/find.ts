import { allowed } from './allowed.ts'
import { type Fragment, splitName } from './fragment.ts'
import { rules } from './rules.ts'

export interface Finding {
  path: string
  line: number
  found: string
  write: string
}

/** Finds the banned words in the fragments of a file, in the order of their lines. */
export function findWords(path: string, source: string, fragments: readonly Fragment[]): Finding[] {
  const findings = fragments.flatMap((fragment) =>
    match(fragment).map(({ found, write, start }) => ({ path, line: lineOf(source, start), found, write })),
  )
  return findings.filter(({ found }) => !isAllowed(path, found)).sort((a, b) => a.line - b.line)
}

/** Finds the banned words in the names of a file and its folders. */
export function findInPath(path: string): Finding[] {
  return path
    .split('/')
    .map((part) => splitName(part.replace(/\.\w+$/, '')))
    .flatMap((text) => match({ place: 'name', text, start: 0 }))
    .filter(({ found }) => !isAllowed(path, found))
    .map(({ found, write }) => ({ path, line: 1, found: `${found} (file name)`, write }))
}

function match({ place, text, start }: Fragment) {
  // One space for each white space, so that a pattern also matches across lines.
  const line = text.replace(/\n/g, ' ')
  return rules.flatMap(({ pattern, places, write }) => {
    if (places && !places.includes(place)) return []
    return [...line.matchAll(spaced(pattern))].map(({ 0: found, index }) => ({
      found: shorten(found),
      write,
      start: start + index,
    }))
  })
}

const spacedPatterns = new Map<RegExp, RegExp>()

/** The pattern with spaces of any length. */
function spaced(pattern: RegExp): RegExp {
  let result = spacedPatterns.get(pattern)
  if (!result) {
    result = new RegExp(pattern.source.replaceAll(' ', ' +'), `g${pattern.flags}`)
    spacedPatterns.set(pattern, result)
  }
  return result
}

function shorten(found: string): string {
  const text = found.replace(/\s+/g, ' ').trim()
  return text.length > 50 ? `${text.slice(0, 48).trim()}..` : text
}

function isAllowed(path: string, found: string): boolean {
  const word = found.toLowerCase()
  return allowed.some((entry) => path.startsWith(entry.path) && entry.words.includes(word))
}

function lineOf(source: string, position: number): number {
  return source.slice(0, position).split('\n').length
}
