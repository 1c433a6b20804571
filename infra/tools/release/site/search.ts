/**
 * Options of the search in the site, for MiniSearch. VitePress copies the text of these functions into the pages, so they use
 * nothing outside themselves.
 */
export const searchSettings = {
  options: {
    /** Returns the words of a text. `WEBHOOKS_PORT` is one more word, in addition to its parts. */
    tokenize: (text: string): string[] => [
      ...text.split(/[\n\r\p{Z}\p{P}\p{S}]+/u).filter((word) => word !== ''),
      ...(text.match(/[\p{L}\p{N}]+(?:_[\p{L}\p{N}]+)+/gu) ?? []),
    ],
    /** Returns the same form for `retry`, `retries` and `retried`. */
    processTerm: (term: string): string =>
      term
        .toLowerCase()
        .replace(/(?<=\w{2})(?:ies|ied)$/, 'y')
        .replace(/(?<=\w{2}[^s])s$/, ''),
  },
  searchOptions: {
    /** Returns the words of a query. Its names are not split: the parts of `WEBHOOKS_PORT` are on most pages. */
    tokenize: (query: string): string[] =>
      query.split(/[\n\r\p{Z}\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\p{S}]+/u).filter((word) => word !== ''),
    /** Ranks pages for contributors below those for users. */
    boostDocument: (id: string): number => (/\/(?:api|adr|changelog|contributing|bench|proof)\b/.test(id) ? 0.2 : 1),
  },
}
