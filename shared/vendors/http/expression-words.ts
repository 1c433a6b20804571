/** The words of an expression whose meaning is known without data. */
interface ExpressionWords {
  /** The fields that are read from the names of the request: `['input', 'title']`. */
  paths: string[][]
  functions: string[]
}

/** Raw strings, JSON literals, names and the punctuation that changes what a name means. */
const TOKEN = /'(?:\\.|[^'\\])*'?|`(?:\\.|[^`\\])*`?|"(?:\\.|[^"\\])*"?|[A-Za-z_]\w*|&&|\|\||\[\?|[.()[\]{}|&,:*]/gs
const NAME = /^["A-Za-z_]/

/**
 * Finds the words of a JMESPath expression. Names inside a filter, after a pipe, after `&` or in a selection such as
 * `a.{b: c}` are fields of other values, and are not included.
 */
export function wordsIn(text: string): ExpressionWords {
  const tokens: string[] = text.match(TOKEN) ?? []
  const words: ExpressionWords = { paths: [], functions: [] }
  // By nesting level: whether names are those of the request, at the start of the level and now.
  const levels = [{ atStart: true, now: true }]
  for (const [index, token] of tokens.entries()) {
    const level = levels.at(-1)
    if (!level) break
    const before = tokens[index - 1]
    if (token === '[?' || '([{'.includes(token)) {
      const reads = level.now && token !== '[?' && before !== '.'
      levels.push({ atStart: reads, now: reads })
    } else if (')]}'.includes(token)) levels.pop()
    else if (token === ',') level.now = level.atStart
    else if (token === '|' || token === '&') level.now = false
    else if (!NAME.test(token)) continue
    else if (tokens[index + 1] === '(') words.functions.push(token)
    else if (tokens[index + 1] !== ':' && before !== '.' && level.now) words.paths.push(pathAt(tokens, index))
  }
  return words
}

/** Returns the names of `a.b[0].c`. */
function pathAt(tokens: string[], start: number): string[] {
  const path = [nameOf(tokens[start])]
  for (let end = start + 1; ; ) {
    if (tokens[end] === '.' && NAME.test(tokens[end + 1] ?? '')) {
      path.push(nameOf(tokens[end + 1]))
      end += 2
    } else if (tokens[end] === '[') end = tokens.indexOf(']', end) + 1
    else return path
  }
}

function nameOf(token = ''): string {
  return token.startsWith('"') ? JSON.parse(token) : token
}
