const MASK = '***'
/** The header with the URL for the answer. */
export const REPLY_HEADER = 'callback-url'
const STRING = String.raw`"(?:[^"\\]|\\.)*"?`
const INNER = String.raw`\{(?:[^{}"]|${STRING})*\}?`
/** The field of a JSON body with the address: a text, or an object with one or two URLs. */
const IN_JSON = new RegExp(
  String.raw`("(?:callback|taskToken|authToken)"\s*:\s*)(?:${STRING}|\{(?:[^{}"]|${STRING}|${INNER})*\}?)`,
  'gi',
)
const IN_FORM = /(^|[?&])((?:callback[\w.%]*|taskToken|authToken)=)[^&\s]*/gi

/**
 * Masks the address for the answer in a body or a query: anyone who knows it can answer. Works on a body that is not valid,
 * because refused requests are stored, too.
 */
export function withoutReplyAddress(text: string): string {
  return text.replace(IN_JSON, `$1"${MASK}"`).replace(IN_FORM, `$1$2${MASK}`)
}

interface MaskedRequest {
  headers: Record<string, string>
  query: string
  body: string
}

/** Returns whether a masked request had an address for its answer. */
export function hadReplyAddress({ headers, query, body }: MaskedRequest): boolean {
  return (
    Object.hasOwn(headers, REPLY_HEADER) ||
    [query, body].some((text) => text.search(IN_JSON) >= 0 || text.search(IN_FORM) >= 0)
  )
}
