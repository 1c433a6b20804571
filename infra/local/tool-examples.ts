/** A call that works at somebody's own tool. */
export interface ToolExample {
  /** What is to be seen. */
  name: string
  /** The Keptn task that it answers. */
  task: string
  input: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  /** The action whose result is meant: its id belongs to the input. */
  about?: string
}

/** By the names that the actions of a new category have. */
export const toolExamples: Readonly<Record<string, ToolExample>> = {
  'open-ticket': { name: 'A ticket', task: 'openticket', input: { title: 'Checkout is slow' } },
  'update-ticket': {
    name: 'A comment on the newest ticket',
    task: 'updateticket',
    input: { comment: 'Still slow' },
    about: 'open-ticket',
  },
  'close-ticket': { name: 'The newest ticket', task: 'closeticket', input: {}, about: 'open-ticket' },
  'start-job': {
    name: 'A run with a parameter',
    task: 'startjob',
    input: { target: 'report', parameters: { month: '2026-11' } },
  },
  'stop-job': { name: 'The newest run', task: 'stopjob', input: {}, about: 'start-job' },
  'set-flag': { name: 'One flag on', task: 'setflag', input: { flag: 'checkout-v2', state: 'on' } },
  'set-flags': {
    name: 'Two flags off',
    task: 'setflags',
    input: { flags: 'checkout-v2,slow-recommendations', state: 'off' },
  },
  'push-message': { name: 'A text', task: 'tell', input: { text: 'The release goes on' } },
  'request-evaluation': {
    name: 'A value of the last five minutes',
    task: 'measure',
    input: {
      timeframe: '5m',
      queries: { p95: 'checkout-p95' },
      thresholds: '[{"metric":"p95","op":"<","value":500}]',
    },
  },
}

/** The fields of its input, by their dotted names. */
export function inputFields({ input }: ToolExample): [name: string, value: string][] {
  return Object.entries(input).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string'
      ? [[name, value]]
      : Object.entries(value).map(([part, text]): [string, string] => [`${name}.${part}`, text]),
  )
}
