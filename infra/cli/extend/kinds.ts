import type { ProviderKind } from '../../../shared/providers/provider.ts'
import { quoteForShell } from '../../project/shell-words.ts'
import { genericApiExamples, inputFields } from '../../sandbox/platforms/generic-api/examples.ts'

/** The kinds with a template. */
export type TemplateKind = Exclude<ProviderKind, 'report'>

interface KindTexts {
  /** The action in the example call. */
  action: string
  /** Further arguments of `webhooks send` for the example. */
  more?: string
  /** The outcomes, for the README of a new category. */
  ends: readonly (readonly [what: string, end: string])[]
}

export const kinds: Record<TemplateKind, KindTexts> = {
  ticket: {
    action: 'open-ticket',
    ends: [
      ['opened, changed or closed, as read back', '`succeeded`, `pass`'],
      ['was closed already', '`succeeded`, `pass`'],
      ['is still open after the close', '`errored`, `fail`, with its state'],
    ],
  },
  job: {
    action: 'start-job',
    more: '--mode interactive',
    ends: [
      ['succeeded', '`succeeded`, `pass`; `warning` if the platform or a threshold reports one'],
      ['failed', '`succeeded`, `fail`, with the reason'],
      ['could not run, or its end is unknown', '`errored`, `fail`'],
      ['was cancelled', '`aborted`, `fail`'],
    ],
  },
  flag: {
    action: 'set-flag',
    more: '--input environment=production',
    ends: [
      ['has the requested state, as read back', '`succeeded`, `pass`'],
      ['already had that state', '`succeeded`, `pass`; nothing is written'],
      ['has another state after the change', '`succeeded`, `fail`, with that state'],
    ],
  },
  message: {
    action: 'push-message',
    more: '--input channel=releases',
    ends: [['was sent', '`succeeded`, `pass`']],
  },
  evaluation: {
    action: 'request-evaluation',
    ends: [
      ['all objectives are met', '`succeeded`, `pass`'],
      ['some objectives are missed', '`succeeded`, `warning` or `fail`, with the values'],
      ['there is no data', '`errored`, `fail`, unless the connection has `noData: warning`'],
    ],
  },
}

export const templateKinds = Object.keys(kinds) as TemplateKind[]

/** Returns the example call of a kind, as arguments of `webhooks send`. */
export function exampleArguments(kind: TemplateKind): string {
  const example = genericApiExamples[kinds[kind].action]
  const inputs = example ? inputFields(example) : []
  return inputs.map(([name, value]) => `--input ${name}=${quoteForShell(value)}`).join(' ')
}
