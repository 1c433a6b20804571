import type { Place } from './fragment.ts'

/** A banned word or construction. */
export interface Rule {
  /** The banned words, as docs/glossary.md shows them. */
  not: string
  /** The words to use instead. */
  write: string
  pattern: RegExp
  places: readonly Place[]
}

/** Sentences: comments, messages and documents. */
export const PROSE: readonly Place[] = ['comment', 'string', 'markdown']
/** Declared names, file names and strings of one word, such as the name of a step. */
export const NAMES: readonly Place[] = ['name', 'word']
/** Without strings, for words that platforms use in their own fields and values. */
export const DECLARED: readonly Place[] = ['name']
const ANYWHERE = [...PROSE, ...NAMES]

/**
 * Declares a rule.
 *
 * @param pattern a space in it matches white space of any length, line breaks included
 */
export function rule(not: string, write: string, pattern: RegExp, places: readonly Place[] = ANYWHERE): Rule {
  return { not, write, pattern: new RegExp(pattern.source.replaceAll(' ', '\\s+'), `g${pattern.flags}`), places }
}
