/** A sample call that works with the generic API. */
export interface GenericApiExample {
  name: string
  /** Name of the Keptn task. */
  task: string
  input: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  /** Action whose latest result provides `input.id`. */
  idFrom?: string
}

/** Examples for the actions of a new category, by their names. */
export const genericApiExamples: Readonly<Record<string, GenericApiExample>> = {
  'open-ticket': { name: 'Ticket', task: 'openticket', input: { title: 'Checkout is slow' } },
  'update-ticket': {
    name: 'Comment on the latest ticket',
    task: 'updateticket',
    input: { comment: 'Still slow' },
    idFrom: 'open-ticket',
  },
  'close-ticket': { name: 'Latest ticket', task: 'closeticket', input: {}, idFrom: 'open-ticket' },
  'start-job': {
    name: 'Run with a parameter',
    task: 'startjob',
    input: { target: 'report', parameters: { month: '2026-11' } },
  },
  'stop-job': { name: 'Latest run', task: 'stopjob', input: {}, idFrom: 'start-job' },
  'set-flag': { name: 'One flag on', task: 'setflag', input: { flag: 'checkout-v2', state: 'on' } },
  'set-flags': {
    name: 'Two flags off',
    task: 'setflags',
    input: { flags: 'checkout-v2,slow-recommendations', state: 'off' },
  },
  'push-message': { name: 'Text', task: 'notify', input: { text: 'The release continues' } },
  'request-evaluation': {
    name: 'Value of the last five minutes',
    task: 'measure',
    input: {
      timeframe: '5m',
      queries: { p95: 'checkout-p95' },
      thresholds: '[{"metric":"p95","op":"<","value":500}]',
    },
  },
}

/** Returns the fields of the input with their dotted names. */
export function inputFields({ input }: GenericApiExample): [name: string, value: string][] {
  return Object.entries(input).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string'
      ? [[name, value]]
      : Object.entries(value).map(([part, text]): [string, string] => [`${name}.${part}`, text]),
  )
}
