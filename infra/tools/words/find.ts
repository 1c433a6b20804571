import { allowed } from './allowed.ts'
import { type Fragment, splitName } from './fragment.ts'
import { style } from './style.ts'
import { terms } from './terms.ts'

export interface Finding {
  path: string
  line: number
  found: string
  write: string
}

/** Finds the banned words in the fragments of a file, in the order of their positions. */
export function findWords(path: string, source: string, fragments: readonly Fragment[]): Finding[] {
  return fragments
    .flatMap(match)
    .filter(({ found }) => !isAllowed(path, found))
    .sort((a, b) => a.start - b.start)
    .map(({ found, write, start }) => ({ path, line: lineOf(source, start), found, write }))
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
  return [...terms, ...style]
    .filter(({ places }) => places.includes(place))
    .flatMap(({ pattern, write }) =>
      [...text.matchAll(pattern)].map(({ 0: found, index }) => ({
        found: shorten(found),
        write,
        start: start + index,
      })),
    )
    .filter(({ found }) => place === 'name' || !isConstant(found))
}

/** Keywords of SQL and PEM, and names of constants in a sentence. */
function isConstant(found: string): boolean {
  return /^[A-Z_ ]{2,}$/.test(found)
}

function shorten(found: string): string {
  const text = found.replace(/\s+/g, ' ').trim()
  return text.length > 50 ? `${text.slice(0, 48).trim()}..` : text
}

function isAllowed(path: string, found: string): boolean {
  const word = found.toLowerCase()
  return allowed.some(({ files, words }) => files.test(path) && words.includes(word))
}

function lineOf(source: string, position: number): number {
  return source.slice(0, position).split('\n').length
}
