import { asText, parseObject } from './console/json-text.ts'

/** A log line about an alert, for people. */
export interface AlertLogLine {
  source: string
  text: string
  /** Something has to be corrected. */
  isProblem: boolean
}

type Fields = Record<string, unknown>

/** The texts of log lines by their messages. `alert called` is missing: its call is in the list of calls. */
const TEXTS: Record<string, (fields: Fields) => string> = {
  'alert refused': ({ reason }) => `Refused: ${asText(reason)}`,
  'rule not evaluated': ({ rule, reason }) => `${asText(rule)} has a problem: ${asText(reason)}`,
  'alert not called': ({ rule, reason }) => `${asText(rule)} makes no call: ${asText(reason)}`,
  'alert waits': ({ reason, seconds }) => `Waits for ${Number(seconds)} s: ${asText(reason)}`,
}
const PROBLEMS = ['alert refused', 'rule not evaluated']

/** Returns undefined for other lines. */
export function alertLogLine(line: string): AlertLogLine | undefined {
  // Most lines are others.
  if (!/"message":"(?:alert|rule) /.test(line)) return undefined
  const { message, ...fields } = parseObject(line) ?? {}
  const text = TEXTS[asText(message)]?.(fields)
  return text === undefined
    ? undefined
    : { source: asText(fields['source']), text, isProblem: PROBLEMS.includes(asText(message)) }
}
