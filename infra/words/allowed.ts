interface Allowed {
  /** Beginning of the paths. */
  path: string
  /** The words as they are found. */
  words: readonly string[]
  reason: string
}

/** Banned words that are right in some files. */
export const allowed: readonly Allowed[] = [
  { path: 'docs/reference.md', words: ['reference'], reason: 'A reference in the sense of documentation.' },
  { path: 'infra/docs/reference.ts', words: ['reference'], reason: 'A reference in the sense of documentation.' },
]
