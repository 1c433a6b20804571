/** Deeper JSON takes long to parse, and code that walks it would exhaust the stack. */
const MAX_DEPTH = 200
export const DEEP_JSON = `JSON of more than ${MAX_DEPTH} levels`

/** Returns the parsed JSON; undefined for an empty body; the text if it is not JSON, such as an HTML error page. */
export function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Whether a text is JSON that is nested too deeply to parse. */
export function isDeepJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  let depth = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (isQuoted) {
      if (character === '\\') index++
      else if (character === '"') isQuoted = false
    } else if (character === '"') isQuoted = true
    else if (character === '[' || character === '{') {
      if (++depth > MAX_DEPTH) return true
    } else if (character === ']' || character === '}') depth--
  }
  return false
}
