import { AWS_SOURCE } from '../../../shared/sources/declared.ts'
import { loadSourceType, type SourceTypeName, sourceTypeNames } from '../../../shared/sources/load-source-type.ts'
import { notifiesOf } from '../../../shared/sources/source-of.ts'
import type { SetupStep, SourceType } from '../../../shared/sources/source-type.ts'
import { categories } from '../../project/categories.ts'

/** Returns the types of sources: the providers whose tasks each one wakes, its alerts, and what to enter at the platform. */
export async function sourceTypes(): Promise<string> {
  const providers = await notifiedProviders()
  const sections = await Promise.all(
    sourceTypeNames.map(async (name) => {
      const type = await loadSourceType(name)
      const woken = providers
        .filter(({ notifiedBy }) => notifiesOf(name, { notifiedBy }))
        .map(({ path }) => `\`${path}\``)
      return [`### ${type.title}: \`${name}\``, useOf(name, type, woken), ...stepsOf(type.setup)].join('\n\n')
    }),
  )
  return `${sections.join('\n\n')}\n`
}

function useOf(name: SourceTypeName, { title, alerts, unverified }: SourceType, woken: readonly string[]): string {
  return [
    ...(name === 'http' ? ['Wakes tasks of every provider of jobs.'] : []),
    ...(woken.length > 0 ? [`Wakes tasks of ${woken.join(', ')}.`] : []),
    ...(name === 'eventbridge'
      ? [`A source with the name \`${AWS_SOURCE}\` needs no secret for the rules of the stack.`]
      : []),
    ...(alerts ? [ALERTS[name] ?? 'Its alerts start and end.'] : []),
    ...(!alerts && woken.length === 0 && name !== 'http' ? ['Each notification is an alert, which does not end.'] : []),
    ...(unverified === undefined ? [] : [`Not verified against ${title}: ${unverified}.`]),
  ].join(' ')
}

const AWS_ALERTS = 'Alarms of CloudWatch start and end. Each other event is an alert, which does not end.'
/** The alerts of types that also send other notifications, or that were tested with real servers. */
const ALERTS: Partial<Record<SourceTypeName, string>> = {
  alertmanager: 'Its alerts start and end. Tested with Alertmanager 0.28.',
  'aws-sns': AWS_ALERTS,
  eventbridge: AWS_ALERTS,
  github: 'Its alerts are issues.',
  gitlab: 'Its alerts are issues and incidents.',
  pagerduty: 'Its alerts are incidents.',
  zabbix: 'Its alerts start and end. Tested with Zabbix 7.0.',
}

async function notifiedProviders(): Promise<{ path: string; notifiedBy: { type: string } }[]> {
  const loaded = categories.flatMap(({ name, providers }) =>
    Object.entries(providers).map(async ([provider, load]) => ({ path: `${name}/${provider}`, ...(await load()) })),
  )
  return (await Promise.all(loaded)).flatMap(({ path, notifiedBy }) => (notifiedBy ? [{ path, notifiedBy }] : []))
}

/** Formats the steps. One with several lines is a text and code, or only code that belongs to the step before it. */
function stepsOf(setup: readonly SetupStep[]): string[] {
  let number = 0
  return setup.flatMap(textsOf).map((step) => {
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

function textsOf(step: SetupStep): string[] {
  if (typeof step === 'string') return [step]
  return Object.entries(step).map(([kind, text]) => `With \`--credential ${kind}\`: ${text}`)
}

/** Writes URLs, secrets and JSON as code, which Markdown shows unchanged. */
function escapePlaceholders(text: string): string {
  return text.replace(
    /\{".*\}|\{url\}(?:\?token=\{secret\})?|\{(?:secret|user|basic|loginUrl)\}|\{\{.*?\}\}/g,
    (part) => `\`${part}\``,
  )
}
