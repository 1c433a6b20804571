import type { HeaderNames } from '../../../shared/sources/source-type.ts'
import { UsageError } from '../../project/usage-error.ts'

/**
 * Parses headers as curl writes them, such as `x-github-event: issues`.
 *
 * @throws UsageError
 */
export function parseHeaders(lines: readonly string[]): HeaderNames {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(line) ?? []
      if (name === undefined) throw new UsageError(`Invalid header "${line}". Write it as name:value.`)
      return [name.toLowerCase(), value]
    }),
  )
}
