import { UsageError } from '../receiver.ts'

/** What `$'..'` writes with a backslash. */
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', f: '\f', v: '\v' }

/**
 * Splits a command as a POSIX shell does: quotes, backslashes, continued lines, and variables of the environment.
 *
 * @throws UsageError for what a shell would have to execute, and for a variable that is not set; it shows nothing of the command
 */
export function shellWords(text: string, environment: NodeJS.ProcessEnv): string[] {
  const words: string[] = []
  let word: string | undefined
  let rest = text.replace(/\r\n/g, '\n').trim()
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(rest)
    if (found) rest = rest.slice(found[0].length)
    return found
  }
  const add = (part: string) => {
    word = (word ?? '') + part
  }
  while (rest !== '') {
    if (take(/^\\\n/)) continue
    if (take(/^\s+/)) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    const found =
      take(/^'([^']*)'/) ??
      take(/^\$'((?:\\[\s\S]|[^'\\])*)'/) ??
      take(/^"((?:\\[\s\S]|[^"\\])*)"/) ??
      take(/^\\([\s\S])/)
    if (found) {
      const [whole, inside = ''] = found
      if (whole.startsWith('"')) add(inDoubleQuotes(inside, environment))
      else add(whole.startsWith('$') ? withoutEscapes(inside) : inside)
      continue
    }
    const variable = take(/^\$(?:(\w+)|\{(\w+)\})/)
    if (variable) {
      add(variableOf(variable[1] ?? variable[2] ?? '', environment))
      continue
    }
    if (/^['"]/.test(rest)) throw new UsageError('The curl command has a quote that is not closed.')
    const special = take(/^[|&;<>()`]|^\$[({]/)
    if (special)
      throw new UsageError(`The curl command has a "${special[0]}" outside of quotes: give one command alone.`)
    add(take(/^(?:\$|[^\s'"\\$|&;<>()`]+)/)?.[0] ?? '')
  }
  if (word !== undefined) words.push(word)
  return words
}

function inDoubleQuotes(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/\\\n|\\([$`"\\])|\$(?:(\w+)|\{(\w+)\})|(`|\$\()/g, (whole, escaped, name, inBraces, run) => {
    if (escaped !== undefined) return escaped
    if (run !== undefined) throw new UsageError('The curl command runs another command: write its result instead.')
    return whole.startsWith('$') ? variableOf(name ?? inBraces, environment) : ''
  })
}

function variableOf(name: string, environment: NodeJS.ProcessEnv): string {
  const value = environment[name]
  if (value !== undefined) return value
  throw new UsageError(
    `The curl command uses $${name}, which is not set: set it in the environment, or write its value.`,
  )
}

function withoutEscapes(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{1,2})|u([\da-fA-F]{1,4})|([0-7]{1,3})|([\s\S]))/g,
    (_, hex, code, octal, one) => {
      if (hex !== undefined || code !== undefined) return String.fromCharCode(Number.parseInt(hex ?? code, 16))
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
      return ESCAPES[one] ?? one
    },
  )
}
