/** Decides which rules apply to a text. */
export type Place = 'comment' | 'string' | 'markdown' | 'name' | 'word'

/** A piece of text to check. Its characters have the same positions as in the source. */
export interface Fragment {
  place: Place
  text: string
  /** Position of the text in the source of the file. */
  start: number
}

/** Replaces each character with a space, so that the positions of the others stay. */
export function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

/** Replaces each character with one that is neither a space nor a letter. */
export function hide(text: string): string {
  return text.replace(/[^\n]/g, '¤')
}

/** Hides code, links and escape sequences in a sentence. */
export function hideCode(text: string): string {
  return text
    .replace(/`[^`\n]*`/g, hide)
    .replace(/\bhttps?:\/\/[^\s)>"']+/g, hide)
    .replace(/\\[nrt]/g, '  ')
}

/** Separates the words of an identifier or file name: "jobState" becomes "job State". */
export function splitName(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .replace(/[-_./$]+/g, ' ')
    .trim()
}
