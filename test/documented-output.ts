import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A command of a page and what it prints. `...` replaces omitted lines. */
interface Step {
  command: string
  printed: string
}

/** Returns the commands in the `console` blocks of a page. */
export function stepsOf(page: string): Step[] {
  const text = readFileSync(join(import.meta.dirname, '..', page), 'utf8')
  return [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...lines] = step.trim().split('\n')
        return { command, printed: lines.join('\n') }
      }),
  )
}

/**
 * Requires that an output contains the documented parts in order, and nothing else unless the page has `...`.
 *
 * @param normalize returns the lines to compare
 * @throws Error
 */
export function requirePrinted(
  { command, printed }: Step,
  output: string,
  normalize: (text: string) => string[],
): void {
  const parts = printed.split(/^\.\.\.$/m).map((part) => normalize(part).join('\n'))
  const text = normalize(output).join('\n')
  let rest = text
  for (const part of parts) {
    const at = rest.indexOf(part)
    if (at < 0 || (parts.length === 1 && rest !== part))
      throw new Error(`The output of ${command} is not as documented:\n${part}\n\nOutput:\n${text}`)
    rest = rest.slice(at + part.length)
  }
}
