import * as z from 'zod/mini'
import { formatDuration } from '../../duration.ts'
import { Failure } from '../../errors.ts'
import type { PolicyCall } from '../call.ts'
import { listOf } from '../list-of.ts'
import { describeTime } from '../time-zone.ts'
import { stateOfWindow, WEEKDAYS, type Weekday, type Window, type WindowState, windowSchema } from '../window.ts'
import { type ApprovalRefusal, type ApprovalRule, askFor, askSchema, describeApproval } from './approval.ts'
import { causeOf } from './cause.ts'

const DAY_NAMES: Record<Weekday, string> = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
}

/** Lets an action start at some times only. */
export interface WindowEffect {
  type: 'window'
  window: Window
  /** While the window is closed, a call is refused, its task waits, or people may let it start. */
  otherwise: 'refuse' | 'wait' | ApprovalRule
  /** How long its task waits, in seconds. */
  waitAtMost: number
}

export const windowRequirementSchema = z.object({
  type: z.literal('window'),
  /** The name of the rule. */
  rule: z.string(),
  window: windowSchema,
  /** People may let the action start while the window is closed. */
  ask: z.optional(askSchema),
})

export type WindowRequirement = z.output<typeof windowRequirementSchema>

/** A call outside of a window. */
export interface WindowRefusal {
  type: 'closed'
  rule: string
  reason?: string | undefined
  /** When the window opens, in epoch milliseconds. */
  opensAt: number
  timeZone: string
}

export function applyWindow(
  rule: string,
  { window, otherwise, waitAtMost }: WindowEffect,
  call: PolicyCall,
  now: number,
): {
  refusal?: WindowRefusal | ApprovalRefusal
  requirement?: WindowRequirement
  startRule?: WindowRequirement
  waitAtMost?: number
} {
  if (otherwise === 'refuse')
    return { refusal: refusalAt(rule, window, now), startRule: { type: 'window', rule, window } }
  const { refusal, ask } = otherwise === 'wait' ? {} : askFor(rule, otherwise, call)
  return { refusal, requirement: { type: 'window', rule, window, ask }, waitAtMost }
}

function refusalAt(rule: string, window: Window, now: number): WindowRefusal | undefined {
  const { isOpen, changesAt, reason } = stateOfWindow(window, now)
  return isOpen ? undefined : { rule, type: 'closed', reason, opensAt: changesAt, timeZone: window.timeZone }
}

export function failureOfWindow(
  { rule, reason, opensAt, timeZone }: WindowRefusal,
  now: number,
  hint = 'Send the call again then.',
): Failure {
  const why = reason === undefined ? '' : ` (${reason})`
  return new Failure(
    'closed',
    `${causeOf(rule, '')} allows this call at another time${why}. It opens on ${describeTime(opensAt, timeZone)}. ${hint}`,
    { retryAfter: Math.ceil((opensAt - now) / 1_000) },
  )
}

/** A silent call has no task that could wait until the window opens. */
export function refuseSilentWindow(
  { rule, window }: WindowRequirement,
  now: number,
  hint: string,
): Failure | undefined {
  const refusal = refusalAt(rule, window, now)
  return refusal && failureOfWindow(refusal, now, hint)
}

/**
 * Describes the state of a window, for people.
 *
 * @example 'Closed until Tuesday, 2027-01-05 00:00 Europe/Vienna (Year-end closing)'
 */
export function describeWindowState({ isOpen, changesAt, reason }: WindowState, { timeZone }: Window): string {
  const until = changesAt === undefined ? '' : ` until ${describeTime(changesAt, timeZone)}`
  return `${isOpen ? 'Open' : 'Closed'}${until}${isOpen || reason === undefined ? '' : ` (${reason})`}`
}

/** Describes a rule: `start every day, UTC time. At other times, they are refused.` */
export function describeWindow({ window, otherwise, waitAtMost }: WindowEffect): string {
  const { opening } = window
  const waits = `their tasks wait for at most ${formatDuration(waitAtMost)}`
  const closed =
    otherwise === 'refuse'
      ? 'they are refused'
      : otherwise === 'wait'
        ? waits
        : `${waits}, or until ${describeApproval(otherwise)}`
  return opening
    ? `start ${describeOpening(opening)}, ${window.timeZone} time. At other times, ${closed}.`
    : `do not start ${describeFreezes(window)}. In this time, ${closed}.`
}

function describeOpening({ days, from, to }: NonNullable<Window['opening']>): string {
  const isAllDay = from === 0 && to === 1_440
  return `${describeDays(days)}${isAllDay ? '' : ` from ${timeOf(from)} to ${timeOf(to)}`}`
}

function describeFreezes({ freezes = [], timeZone }: Window): string {
  const described = freezes.map(
    ({ from, to, reason }) => `from ${from.replace('T', ' ')} to ${to.replace('T', ' ')} (${reason})`,
  )
  return `${listOf(described, 'and')}, ${timeZone} time`
}

/** `every day`, `Monday to Friday`, `Monday, Wednesday and Friday`. */
function describeDays(days: readonly Weekday[]): string {
  if (days.length === WEEKDAYS.length) return 'every day'
  const first = days.findIndex((day) => !days.includes(dayBefore(day)))
  const inOrder = [...days.slice(first), ...days.slice(0, first)]
  const isRange = inOrder.length > 2 && inOrder.slice(1).every((day, index) => dayBefore(day) === inOrder[index])
  const names = inOrder.map((day) => DAY_NAMES[day])
  return isRange ? `${names[0]} to ${names.at(-1)}` : listOf(names, 'and')
}

function dayBefore(day: Weekday): Weekday {
  return WEEKDAYS[(WEEKDAYS.indexOf(day) + 6) % 7] ?? 'mon'
}

/** @param minutes since midnight */
function timeOf(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
