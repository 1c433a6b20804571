import type { ProviderKind } from '../../../shared/providers/provider.ts'
import { inputFields, toolExamples } from '../../local/tool-examples.ts'

/** What there is a template for. */
export type TemplateShape = Exclude<ProviderKind, 'report'>

interface ShapeWords {
  /** The action of a new category whose example shows it. */
  action: string
  /** What a call of its template takes beside that, as arguments of `webhooks send`. */
  more?: string
  /** How it ends, for the README of a new category. */
  ends: readonly (readonly [what: string, end: string])[]
}

/** What differs in words only, by shape. */
export const shapes: Record<TemplateShape, ShapeWords> = {
  ticket: {
    action: 'open-ticket',
    ends: [
      ['opened, changed or closed, as read back', '`succeeded`, `pass`'],
      ['was closed already', '`succeeded`, `pass`, and says so'],
      ['is still open after it was closed', '`errored`, `fail`, with its state'],
    ],
  },
  job: {
    action: 'start-job',
    more: '--mode interactive',
    ends: [
      ['ran, and went well', '`succeeded`, `pass`; `warning` where the platform says so, or a threshold'],
      ['ran, and failed', '`succeeded`, `fail`, with the reason'],
      ['could not run, or its end is not known', '`errored`, `fail`'],
      ['was cancelled', '`aborted`, `fail`'],
    ],
  },
  flag: {
    action: 'set-flag',
    more: '--input environment=production',
    ends: [
      ['is as it was asked for, as read back', '`succeeded`, `pass`'],
      ['was so already', '`succeeded`, `pass`, and nothing is written'],
      ['does not stick', '`succeeded`, `fail`, with how it is'],
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
      ['all objectives hold', '`succeeded`, `pass`'],
      ['some do not', '`succeeded`, `warning` or `fail`, with what was measured'],
      ['nothing was measured', '`errored`, `fail`, unless the connection says `noData: warning`'],
    ],
  },
}

export const templateShapes = Object.keys(shapes) as TemplateShape[]

/** The example of a shape, as arguments of `webhooks send`. */
export function exampleArguments(shape: TemplateShape): string {
  const example = toolExamples[shapes[shape].action]
  const given = example ? inputFields(example) : []
  const quoted = (value: string) => (/^[\w.,-]+$/.test(value) ? value : `'${value}'`)
  return given.map(([name, value]) => `--input ${name}=${quoted(value)}`).join(' ')
}
