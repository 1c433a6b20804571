/**
 * The reach of the search with which a retry looks for the first attempt. The reference states it, and the conformance suite
 * proves it.
 *
 * @example lookUp: { newest: MAX_PAGES * PAGE_SIZE }
 */
export interface LookUp {
  /**
   * How many of the newest objects the search reads. `all` if the platform searches for the key, or if every page is read; `none`
   * if the platform shows no key, so the search can only find that nothing was written.
   */
  newest: number | `${number} pages` | 'all' | 'none'
  /** The end of a retry behind them. Defaults to an unknown outcome; messages and reports are written again. */
  behind?: 'unknown' | 'again'
  /** Delays before each search of a retry, if the platform lists a new object late. The retry does not find what appears later. */
  delaysMs?: readonly number[]
  /** A condition of the search, at the platform or in the connection. */
  needs?: Needs
  /**
   * How long the platform itself treats two writes with one key as one, for people: `10 minutes`. Set it if a retry may need that,
   * because the search does not find every first attempt.
   */
  keyLasts?: string
}

export interface Needs {
  /** For people: `` `keyInput` in the connection ``. */
  text: string
  /** Fields of a connection without it. */
  without?: Record<string, unknown>
}

/** Requires `lookUp` of a provider with `find`, unless the platform treats two writes with one key as one. */
export type StatesLookUp<P> = {
  [Name in 'lookUp' as 'hasIdempotentWrites' extends keyof P ? never : 'find' extends keyof P ? Name : never]: LookUp
}
