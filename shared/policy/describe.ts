import { formatDuration } from '../duration.ts'
import { toSentence } from '../errors.ts'
import { namesOf } from './people.ts'
import type { ApprovalRule, Effect, Rule, When } from './policy.ts'
import { describeTime } from './time-zone.ts'
import { WEEKDAYS, type Weekday, type Window, type WindowState } from './window.ts'

const DAY_NAMES: Record<Weekday, string> = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
}

/**
 * Describes a rule in one sentence, for people.
 *
 * @example 'Calls of ci-cd/* with the connection prod-* start Monday to Friday from 08:00 to 17:00, Europe/Vienna time. At other times,
 * their tasks wait for at most 4 h.'
 */
export function describeRule({ when, effect }: Rule): string {
  return `${describeCalls(when)} ${describeEffect(effect)}`
}

/**
 * Describes the state of a window, for people.
 *
 * @example 'Closed until Tuesday, 2027-01-05 00:00 Europe/Vienna (Year-end closing)'
 */
export function describeState({ isOpen, changesAt, reason }: WindowState, { timeZone }: Window): string {
  const until = changesAt === undefined ? '' : ` until ${describeTime(changesAt, timeZone)}`
  return `${isOpen ? 'Open' : 'Closed'}${until}${isOpen || reason === undefined ? '' : ` (${reason})`}`
}

function describeCalls({ actions, connections, callers, agents, projects, stages, services, input }: When): string {
  const places = [
    projects && named('project', projects),
    stages && named('stage', stages),
    services && named('service', services),
  ].filter((place) => place !== undefined)
  return [
    actions === undefined ? 'All calls' : `Calls of ${listOf(actions, 'and')}`,
    connections && `with ${named('connection', connections)}`,
    describeCallers(callers, agents),
    ...(places.length > 0 ? [`in ${listOf(places, 'and')}`] : []),
    input === undefined ? undefined : `if ${input.trim()}`,
  ]
    .filter(Boolean)
    .join(' ')
}

function describeCallers(names: When['callers'], agents: When['agents']): string {
  if (names === undefined && agents === undefined) return ''
  const which = agents === undefined ? '' : agents ? ' that are agents' : ' that are not agents'
  return `from ${names === undefined ? 'callers' : named('caller', names)}${which}`
}

function describeEffect(effect: Effect): string {
  if (effect.type === 'deny') return `are refused: ${toSentence(effect.reason)}`
  const { waitAtMost } = effect
  if (effect.type === 'approval')
    return `start after ${describeApproval(effect)}. Their tasks wait for at most ${formatDuration(waitAtMost)}.`
  if (effect.type === 'turn') {
    const tasks = effect.queue === 1 ? '1 task waits' : `${effect.queue} tasks wait`
    return `run one at a time for ${effect.per}. At most ${tasks}, for at most ${formatDuration(waitAtMost)}.`
  }
  const { window, otherwise } = effect
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

/** `an approval of jane, asked in #ops by the connection chat`. */
function describeApproval({ count, by, notRequester, connection, channel }: ApprovalRule): string {
  const people = by ? namesOf(by) : 'anybody in the channel'
  const except = notRequester ? ', but not of the owners of the caller' : ''
  const place = `${channel === undefined ? '' : `in ${channel} `}by the connection ${connection}`
  return `${count === 1 ? 'an approval' : `${count} approvals`} of ${people}${except}, asked ${place}`
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

/** `the caller nightly`, `the callers nightly or weekly`. */
function named(noun: string, names: readonly string[]): string {
  return `the ${noun}${names.length === 1 ? '' : 's'} ${listOf(names, 'or')}`
}

/** `a`, `a or b`, `a, b or c`. */
function listOf(names: readonly string[], word: 'and' | 'or'): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} ${word} ${names.at(-1)}`
}
