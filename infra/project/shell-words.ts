import { UsageError } from './usage-error.ts'

/** Escape sequences in `$'..'`. */
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', e: '\x1b', f: '\f', v: '\v' }

/**
 * Splits a command into words like a POSIX shell: handles quotes, backslashes, continued lines and environment variables.
 *
 * @throws UsageError for commands in the command and for variables that are not set. The message quotes no values.
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
      const [match, inside = ''] = found
      if (match.startsWith('"')) add(inDoubleQuotes(inside, environment))
      else add(match.startsWith('$') ? withoutEscapes(inside) : inside)
      continue
    }
    const variable = take(/^\$(?:(\w+)|\{(\w+)\})/)
    if (variable) {
      add(variableOf(variable[1] ?? variable[2] ?? '', environment))
      continue
    }
    if (/^['"]/.test(rest)) throw new UsageError('The curl command has an unclosed quote.')
    const special = take(/^[|&;<>()`]|^\$[({]/)
    if (special)
      throw new UsageError(`The curl command has a "${special[0]}" outside of quotes. Pass a single command.`)
    add(take(/^(?:\$|[^\s'"\\$|&;<>()`]+)/)?.[0] ?? '')
  }
  if (word !== undefined) words.push(word)
  return words
}

function inDoubleQuotes(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/\\\n|\\([$`"\\])|\$(?:(\w+)|\{(\w+)\})|(`|\$\()/g, (match, escaped, name, inBraces, run) => {
    if (escaped !== undefined) return escaped
    if (run !== undefined)
      throw new UsageError('The curl command runs another command. Replace that command with its output.')
    return match.startsWith('$') ? variableOf(name ?? inBraces, environment) : ''
  })
}

function variableOf(name: string, environment: NodeJS.ProcessEnv): string {
  const value = environment[name]
  if (value !== undefined) return value
  throw new UsageError(
    `The curl command uses $${name}, which is not set. Set it in the environment, or replace it with its value.`,
  )
}

function withoutEscapes(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{1,2})|u([\da-fA-F]{1,4})|([0-7]{1,3})|([\s\S]))/g,
    (_, hex, code, octal, character) => {
      if (hex !== undefined || code !== undefined) return String.fromCharCode(Number.parseInt(hex ?? code, 16))
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
      return ESCAPES[character] ?? character
    },
  )
}

/** Quotes a text for a shell, if necessary. */
export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
