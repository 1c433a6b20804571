import { readFileSync } from 'node:fs'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { Failure } from '../../shared/errors.ts'

/** Lists all errors of a file, with their lines. */
export class YamlFileError extends Error {
  override readonly name = 'YamlFileError'
}

/**
 * Reads and checks a file with settings in YAML.
 *
 * @param check returns the checked contents, or throws a Failure with every error
 * @throws YamlFileError
 */
export function readYamlFile<T>(path: string, check: (loaded: unknown) => T): T {
  return parseYamlFile(path, readText(path), check)
}

/**
 * Checks the text of a file with settings in YAML, as `readYamlFile` does.
 *
 * @param path of the file, for errors
 * @throws YamlFileError
 */
export function parseYamlFile<T>(path: string, text: string, check: (loaded: unknown) => T): T {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const refuse = (errors: { line: number; text: string }[]) => {
    const listed = errors.map(({ line, text }) => `\n  - line ${line}: ${text}`)
    return new YamlFileError(`${path} is not valid:${listed.join('')}`)
  }
  const lineAt = (offset: number) => lines.linePos(offset).line
  if (document.errors.length > 0)
    throw refuse(
      document.errors.map(({ message, pos }) => ({ line: lineAt(pos[0]), text: `not valid YAML: ${message}` })),
    )
  const lineOf = (field: string) => {
    const parts = field.split('.')
    for (; parts.length > 0; parts.pop()) {
      const node: unknown = document.getIn(parts, true)
      if (isNode(node) && node.range) return lineAt(node.range[0])
    }
    return 1
  }
  try {
    return check(document.toJS())
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const { errors = [] } = error
    if (errors.length === 0) throw refuse([{ line: 1, text: error.message }])
    throw refuse(errors.map(({ path: field, message }) => ({ line: lineOf(field), text: `${field} ${message}` })))
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new YamlFileError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error })
  }
}
