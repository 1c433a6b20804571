import { AWS_SOURCE } from '../../../shared/sources/declared.ts'
import { loadSourceType, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { notifiesOf } from '../../../shared/sources/source-of.ts'
import { categories } from '../project/categories.ts'

/** Returns the types of sources: the providers whose tasks each one wakes, and what to enter at the platform. */
export async function sourceTypes(): Promise<string> {
  const providers = await notifiedProviders()
  const sections = await Promise.all(
    sourceTypeNames.map(async (name) => {
      const { title, setup } = await loadSourceType(name)
      const woken = providers
        .filter(({ notifiedBy }) => notifiesOf(name, { notifiedBy }))
        .map(({ path }) => `\`${path}\``)
      const wakes =
        name === 'http'
          ? 'Wakes tasks of every provider of jobs.'
          : woken.length > 0
            ? `Wakes tasks of ${woken.join(', ')}.`
            : 'No provider waits for its notifications yet.'
      const rules =
        name === 'eventbridge'
          ? ` A source with the name \`${AWS_SOURCE}\` needs no secret for the rules of the stack.`
          : ''
      return [`### ${title}: \`${name}\``, `${wakes}${rules}`, ...stepsOf(setup)].join('\n\n')
    }),
  )
  return `${sections.join('\n\n')}\n`
}

async function notifiedProviders(): Promise<{ path: string; notifiedBy: { type: string } }[]> {
  const loaded = categories.flatMap(({ name, providers }) =>
    Object.entries(providers).map(async ([provider, load]) => ({ path: `${name}/${provider}`, ...(await load()) })),
  )
  return (await Promise.all(loaded)).flatMap(({ path, notifiedBy }) => (notifiedBy ? [{ path, notifiedBy }] : []))
}

/** Formats the steps. One with several lines is a text and code, or only code that belongs to the step before it. */
function stepsOf(setup: readonly string[]): string[] {
  let number = 0
  return setup.map((step) => {
    const [first = '', ...lines] = step.split('\n')
    const isText = lines.length === 0 || (first.endsWith(':') && / /.test(first.trim()) && !first.startsWith(' '))
    if (isText) number++
    const code = isText ? lines : [first, ...lines]
    return [
      ...(isText ? [`${number}. ${escapePlaceholders(first)}`] : []),
      // Indented, so that the list continues.
      ...(code.length > 0 ? ['```', ...code, '```'].map((line) => (line === '' ? '' : `   ${line}`)) : []),
    ].join('\n')
  })
}

/** Writes URLs, secrets and JSON as code, which Markdown shows unchanged. */
function escapePlaceholders(text: string): string {
  return text.replace(/\{".*\}|\{url\}(?:\?token=\{secret\})?|\{secret\}|\{\{.*?\}\}/g, (part) => `\`${part}\``)
}
