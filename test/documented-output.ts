import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A command of a page and what it prints. `...` replaces omitted lines. */
interface Step {
  command: string
  printed: string
}

/** Returns the commands in the `console` blocks of a page. */
export function stepsOf(page: string): Step[] {
  return stepsIn(readPage(page))
}

/** Returns the sections of a page that have commands: their commands, and the policy with which the runtime starts. */
export function sectionsOf(page: string): { title: string; policy: string | undefined; steps: Step[] }[] {
  return readPage(page)
    .split(/^#+ /m)
    .map((text) => ({
      title: text.split('\n', 1)[0] ?? '',
      policy: /`WEBHOOKS_POLICY=[\s\S]*?^```yaml\n([\s\S]*?)^```/m.exec(text)?.[1],
      steps: stepsIn(text),
    }))
    .filter(({ steps }) => steps.length > 0)
}

function readPage(page: string): string {
  return readFileSync(join(import.meta.dirname, '..', page), 'utf8')
}

function stepsIn(text: string): Step[] {
  return [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        // A command continues after a line that ends with a backslash.
        const [command = ''] = /^(?:.*\\\n)*.*/.exec(step.trim()) ?? []
        return { command, printed: step.trim().slice(command.length + 1) }
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
