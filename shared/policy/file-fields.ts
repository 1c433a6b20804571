import * as z from 'zod/mini'
import { parseDuration } from '../duration.ts'
import { withDescription } from '../fields.ts'
import { jmespathProblem } from '../jmespath-problem.ts'
import { isTimeZone } from './time-zone.ts'
import { WEEKDAYS, type Weekday } from './window.ts'

/** The texts of `policy.yaml`, and the values that they stand for. */

export const limitedText = (maxLength: number) => z.string().check(z.minLength(1), z.maxLength(maxLength))

export const inputExpression = limitedText(4_096).check(
  z.superRefine<string>((value, { addIssue }) => {
    const problem = jmespathProblem(value)
    if (problem !== undefined)
      addIssue({ code: 'custom', message: `must be a JMESPath expression, such as percentage > \`10\` (${problem})` })
  }),
)

const day = `(?:${WEEKDAYS.join('|')})`
export const days = limitedText(7).check(
  z.regex(new RegExp(`^${day}(?:-${day})?$`), 'must be a day such as mon, or days such as mon-fri'),
)
export const timeOfDay = limitedText(5).check(
  z.regex(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of the day in quotes, such as "08:00"'),
)
export const localTime = limitedText(16).check(
  z.regex(
    /^\d{4}-\d\d-\d\d(?:T(?:[01]\d|2[0-3]):[0-5]\d)?$/,
    'must be a date such as 2026-12-20, or a time such as 2026-12-20T18:00',
  ),
  z.refine((value) => isDate(value.slice(0, 10)), 'must be a date of the calendar'),
)
export const timeZone = withDescription(
  limitedText(100).check(
    z.refine(isTimeZone, 'must be a time zone of the IANA database, such as Europe/Vienna or UTC'),
  ),
  'Time zone of the IANA database, such as Europe/Vienna. Rules with only or freeze need one, here or for the file',
)
export const duration = limitedText(30).check(
  z.refine((value) => secondsOf(value) !== undefined, 'must be a duration such as PT4H or P3D'),
)

/**
 * Returns the days of a window.
 *
 * @param days `mon`, `mon-fri`, `fri-mon`, or a list of these
 */
export function daysOf(days: string | readonly string[]): Weekday[] {
  const listed = [days].flat().flatMap((range) => {
    const [first = 'mon', last = first] = range.split('-') as Weekday[]
    const start = WEEKDAYS.indexOf(first)
    const length = (WEEKDAYS.indexOf(last) - start + 7) % 7
    return [...WEEKDAYS, ...WEEKDAYS].slice(start, start + length + 1)
  })
  return WEEKDAYS.filter((weekday) => listed.includes(weekday))
}

/** Returns the minutes from the start of the day. */
export function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

/** Returns a duration in seconds. Undefined if the text is not a duration. */
export function secondsOf(text: string): number | undefined {
  try {
    return parseDuration(text, 'waitAtMost')
  } catch {
    return undefined
  }
}

/** JavaScript takes 30 February for 2 March. */
function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}
