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
        woken.length > 0 ? `Wakes tasks of ${woken.join(', ')}.` : 'No provider waits for its notifications yet.'
      const rules =
        name === 'eventbridge'
          ? ` A source with the name \`${AWS_SOURCE}\` needs no secret for the rules of the stack.`
          : ''
      return [`### ${title}: \`${name}\``, `${wakes}${rules}`, ...setup.map(stepOf)].join('\n\n')
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

/** Formats a step. One with several lines is an introduction, unless that is code already, and code. */
function stepOf(step: string, index: number): string {
  const [first = '', ...code] = step.split('\n')
  if (code.length === 0) return `${index + 1}. ${escapePlaceholders(first)}`
  const [text, lines] =
    first.endsWith(':') && !first.startsWith(' ') && / /.test(first) ? [first, code] : ['', [first, ...code]]
  return [...(text ? [`${index + 1}. ${escapePlaceholders(text)}`] : []), '```', ...lines, '```'].join('\n')
}

/** Writes URLs and secrets as code, which Markdown shows unchanged. */
function escapePlaceholders(text: string): string {
  return text.replace(/\S*\{(?:url|secret)\}\S*|\S*\{\{.*?\}\}\S*/g, (part) => `\`${part}\``)
}
