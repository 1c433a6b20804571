import * as z from 'zod/mini'
import { ACTION_EFFECTS } from '../action-effect.ts'
import { type FieldError, invalidFields } from '../errors.ts'
import { optional, withDescription } from '../fields.ts'
import { validate } from '../validate.ts'
import {
  days,
  daysOf,
  duration,
  inputExpression,
  limitedText,
  localTime,
  minutesOf,
  secondsOf,
  timeOfDay,
  timeZone,
} from './file-fields.ts'
import type { ApprovalRule } from './kinds/approval.ts'
import { limitTargetProblem, MAX_STARTS } from './kinds/at-most.ts'
import type { Effect } from './kinds/index.ts'
import { targetProblem } from './kinds/turn.ts'
import { GROUP } from './people.ts'
import type { Policy, Rule } from './policy.ts'
import { WEEKDAYS } from './window.ts'

/** Load this module only to read `policy.yaml`. Functions get it compiled. */

const DEFAULT_WAIT_AT_MOST = 'PT4H'
const DEFAULT_QUEUE = 20
const EFFECTS = ['deny', 'only', 'freeze', 'approve', 'oneAtATime', 'atMost'] as const
/** The payload of each task that waits contains them. */
const MAX_PEOPLE = 100

const names = (description: string) =>
  optional(withDescription(z.array(limitedText(255)).check(z.minLength(1), z.maxLength(100)), description))

const when = z.strictObject({
  actions: names('<category>/<action>, such as ci-cd/*'),
  effects: optional(
    withDescription(
      z.array(z.enum(ACTION_EFFECTS)).check(z.minLength(1)),
      'The effects of the actions at the platform: docs/reference has them',
    ),
  ),
  connections: names('Connections by name or as <category>/<name>, such as prod-*'),
  callers: names('Callers by name'),
  agents: optional(withDescription(z.boolean(), 'true: only callers that are agents')),
  projects: names('Projects. A call that names none matches, too'),
  stages: names('Stages. A call that names none matches, too'),
  services: names('Services. A call that names none matches, too'),
  input: optional(
    withDescription(
      inputExpression,
      'JMESPath over the input, with its defaults. A call matches unless the result is exactly false',
    ),
  ),
})

const only = z.strictObject({
  days: z._default(z.union([days, z.array(days).check(z.minLength(1))]), [...WEEKDAYS]),
  from: z._default(timeOfDay, '00:00'),
  to: z._default(timeOfDay, '24:00'),
})
const freeze = z.strictObject({ from: localTime, to: localTime, reason: z._default(limitedText(500), 'Change freeze') })

/** The fields with which a rule, or the section `approval`, says who decides and how they are asked. */
const deciders = {
  count: optional(withDescription(z.int().check(z.minimum(1), z.maximum(10)), 'How many people have to approve')),
  by: optional(
    withDescription(
      z.array(limitedText(255)).check(z.minLength(1), z.maxLength(MAX_PEOPLE)),
      'The people who may decide: ids or e-mail addresses of the chat platform, or group:<name>. Defaults to everybody in the channel',
    ),
  ),
  notRequester: optional(withDescription(z.boolean(), 'The owners of the caller may not decide')),
  channel: optional(withDescription(limitedText(255), "Channel. Defaults to the connection's channel")),
  complete: optional(
    withDescription(
      z.boolean(),
      'true: people decide only on the page of the approval, which shows the complete request',
    ),
  ),
}
const approval = z.strictObject({
  connection: withDescription(limitedText(63), 'Connection of notification'),
  ...deciders,
  waitAtMost: optional(withDescription(duration, 'How long a task waits. Defaults to that of the file')),
})
const approve = z.strictObject({
  connection: optional(withDescription(limitedText(63), 'Connection of notification. Defaults to that of the file')),
  ...deciders,
  changed: optional(
    withDescription(
      z.enum(['fail', 'run']),
      'What happens if the request has changed since people were asked. Defaults to fail',
    ),
  ),
})

const oneAtATime = z.strictObject({
  per: withDescription(
    limitedText(200).check(
      z.superRefine<string>((value, { addIssue }) => {
        const problem = targetProblem(value)
        if (problem !== undefined) addIssue({ code: 'custom', message: problem })
      }),
    ),
    'The target, such as {connection}/{service}',
  ),
  group: optional(
    withDescription(limitedText(100), 'Replaces the connection, for a target that several categories change'),
  ),
  queue: z._default(
    withDescription(
      z.int().check(z.minimum(0), z.maximum(1_000)),
      'How many tasks may wait: at most half of them, rounded up, of one caller',
    ),
    DEFAULT_QUEUE,
  ),
  turnAtMost: optional(
    withDescription(
      duration,
      'How long an action may run in its turn, such as PT1H: a longer deadline of its call is shortened',
    ),
  ),
})

const atMost = z.strictObject({
  count: withDescription(z.int().check(z.minimum(1), z.maximum(MAX_STARTS)), 'How many actions may start'),
  per: withDescription(duration, 'In which time, such as PT1H'),
  for: withDescription(
    limitedText(200).check(
      z.superRefine<string>((value, { addIssue }) => {
        const problem = limitTargetProblem(value)
        if (problem !== undefined) addIssue({ code: 'custom', message: problem })
      }),
    ),
    'The target, such as {connection}/{input.target}',
  ),
})

const ruleSchema = z.strictObject({
  name: withDescription(limitedText(100), 'Different for each rule. Refusals and waiting tasks show it'),
  when: z._default(withDescription(when, 'The calls that the rule matches. Without it, all'), {}),
  deny: optional(withDescription(limitedText(500), 'Refuses the calls, for this reason')),
  only: optional(
    withDescription(
      only,
      'When the actions may start: days such as mon-fri, or a list of these, from and to in quotes, such as "08:00"',
    ),
  ),
  freeze: optional(
    withDescription(
      z.array(freeze).check(z.minLength(1)),
      'When the actions may not start: dates such as 2026-12-20, to included, or times such as 2026-12-20T18:00',
    ),
  ),
  otherwise: optional(
    withDescription(
      z.enum(['wait', 'refuse', 'approve']),
      'Whether a call outside of the window, or above atMost, waits, is refused, or asks people. Defaults to refuse',
    ),
  ),
  approve: optional(
    withDescription(
      approve,
      'The people who have to approve the actions, or with otherwise: approve, who may let them start',
    ),
  ),
  oneAtATime: optional(withDescription(oneAtATime, 'One action at a time for each target: the others wait in order')),
  atMost: optional(
    withDescription(
      atMost,
      'How many actions may start for each target in a time. The others are handled as otherwise says',
    ),
  ),
  timeZone: optional(timeZone),
  waitAtMost: withDescription(
    optional(duration),
    'How long a task waits, such as PT4H or P3D. Defaults to that of the file',
  ),
})

/** The contents of `policy.yaml`. */
export const policyFileSchema = z.strictObject({
  enforce: z._default(withDescription(z.boolean(), 'false: logs what the rules would do, and does nothing'), true),
  timeZone: optional(timeZone),
  waitAtMost: withDescription(
    z._default(duration, DEFAULT_WAIT_AT_MOST),
    'How long a task waits, such as PT4H or P3D, unless its rule says something else',
  ),
  approval: optional(withDescription(approval, 'How people are asked, unless a rule says otherwise')),
  groups: z._default(
    withDescription(
      z.record(limitedText(63), z.array(limitedText(255)).check(z.maxLength(MAX_PEOPLE))),
      'People by the name of their group: ids or e-mail addresses of the chat platform. An empty list: the people whose sign-in names the group',
    ),
    {},
  ),
  rules: z._default(
    withDescription(
      z.array(ruleSchema).check(z.maxLength(1_000)),
      `Each rule has exactly one of ${EFFECTS.join(', ')}`,
    ),
    [],
  ),
})

type PolicyFile = z.output<typeof policyFileSchema>
type FileRule = z.output<typeof ruleSchema>
type FileApproval = Partial<z.output<typeof approve>>

/**
 * Checks what was loaded from `policy.yaml`, and compiles it.
 *
 * @param loaded undefined or null for an empty file
 * @throws Failure `invalid` with every error
 */
export function compilePolicy(loaded: unknown): Policy {
  const file = validate(policyFileSchema, loaded ?? {}, { what: 'policy.yaml' })
  const section = file.approval ? errorsOfApproval(file, {}, 'approval') : []
  const errors = [...section, ...file.rules.flatMap((rule, index) => errorsOf(file, rule, index))]
  if (errors.length > 0) throw invalidFields(errors)
  const { enforce, rules } = file
  const policy = { enforce, rules: rules.map((rule) => compileRule(file, rule)) }
  return file.approval ? { ...policy, approval: approvalOf(file, {}, undefined) } : policy
}

/** Finds what the schema cannot: a rule does one thing, and has what that needs. */
function errorsOf(file: PolicyFile, rule: FileRule, index: number): FieldError[] {
  const path = `rules.${index}`
  const isWindow = rule.only !== undefined || rule.freeze !== undefined
  const hasOtherwise = isWindow || rule.atMost !== undefined
  const opensWithApproval = hasOtherwise && rule.otherwise === 'approve'
  const effects = EFFECTS.filter((effect) => rule[effect] !== undefined && !(effect === 'approve' && opensWithApproval))
  return [
    ...(file.rules.findIndex(({ name }) => name === rule.name) === index
      ? []
      : [{ path: `${path}.name`, message: `is the name of another rule: name each rule differently` }]),
    ...(effects.length === 1
      ? []
      : [{ path, message: `must have exactly one of ${EFFECTS.join(', ')}, but has ${effects.join(', ') || 'none'}` }]),
    ...(isWindow && (rule.timeZone ?? file.timeZone) === undefined
      ? [{ path: `${path}.timeZone`, message: 'is required, here or for the file: such as Europe/Vienna' }]
      : []),
    ...(!hasOtherwise && rule.otherwise !== undefined
      ? [{ path: `${path}.otherwise`, message: 'is only for rules with only, freeze or atMost: remove it' }]
      : []),
    ...(rule.freeze ?? []).flatMap(({ from, to }, freezeIndex) =>
      endOf(to) <= from ? [{ path: `${path}.freeze.${freezeIndex}.to`, message: `must be after from, ${from}` }] : [],
    ),
    ...(rule.approve || opensWithApproval ? errorsOfApproval(file, rule.approve ?? {}, `${path}.approve`) : []),
  ]
}

/** Finds people who cannot be asked, and groups that do not exist. */
function errorsOfApproval(file: PolicyFile, approve: FileApproval, path: string): FieldError[] {
  const { connection = file.approval?.connection, by = file.approval?.by, count = file.approval?.count ?? 1 } = approve
  const unknown = (by ?? []).filter((name) => name.startsWith(GROUP) && !groupOf(file, name))
  const people = peopleOf(file, by)
  const isCountable = people !== undefined && !people.some((name) => name.startsWith(GROUP))
  return [
    ...(connection === undefined
      ? [{ path: `${path}.connection`, message: 'is required, here or as approval.connection of the file' }]
      : []),
    ...unknown.map((name) => ({ path: `${path}.by`, message: `names ${name}, which groups does not have` })),
    ...(isCountable && people.length < count
      ? [{ path: `${path}.count`, message: `is ${count}, but by lists ${people.length}: list more people` }]
      : []),
  ]
}

/** Returns the end of a freeze in the form of its start. A date is included. */
function endOf(to: string): string {
  return to.includes('T') ? to : `${to}T24:00`
}

function compileRule(file: PolicyFile, rule: FileRule): Rule {
  return { name: rule.name, when: rule.when, effect: effectOf(file, rule) }
}

function effectOf(file: PolicyFile, rule: FileRule): Effect {
  if (rule.deny !== undefined) return { type: 'deny', reason: rule.deny }
  const timeZone = rule.timeZone ?? file.timeZone ?? 'UTC'
  const waitAtMost = secondsOf(rule.waitAtMost ?? file.waitAtMost) ?? 0
  if (rule.oneAtATime !== undefined) {
    const { turnAtMost, ...turn } = rule.oneAtATime
    return { type: 'turn', ...turn, waitAtMost, ...(turnAtMost && { turnAtMost: secondsOf(turnAtMost) }) }
  }
  if (rule.approve !== undefined && rule.otherwise === undefined)
    return { type: 'approval', ...approvalOf(file, rule.approve, rule.waitAtMost) }
  const otherwise =
    rule.otherwise === 'approve' ? approvalOf(file, rule.approve ?? {}, rule.waitAtMost) : rule.otherwise
  if (rule.atMost !== undefined)
    return {
      type: 'atMost',
      ...rule.atMost,
      per: secondsOf(rule.atMost.per) ?? 0,
      otherwise: otherwise ?? 'refuse',
      waitAtMost,
    }
  const { days = [...WEEKDAYS], from = '00:00', to = '24:00' } = rule.only ?? {}
  const opening = { days: daysOf(days), from: minutesOf(from), to: minutesOf(to) }
  const window = rule.freeze ? { timeZone, freezes: rule.freeze } : { timeZone, opening }
  return { type: 'window', window, otherwise: otherwise ?? 'refuse', waitAtMost }
}

/** Completes what a rule says about its approval with the section `approval`. */
function approvalOf(file: PolicyFile, rule: FileApproval, waitAtMost: string | undefined): ApprovalRule {
  const {
    connection = '',
    by,
    count,
    notRequester,
    channel,
    changed,
    complete,
  }: FileApproval = { ...file.approval, ...rule }
  return {
    connection,
    // Another connection has other channels.
    channel: rule.connection === undefined ? channel : rule.channel,
    count: count ?? 1,
    by: peopleOf(file, by),
    notRequester: notRequester ?? false,
    changed: changed ?? 'fail',
    ...(complete ? { complete } : {}),
    waitAtMost: secondsOf(waitAtMost ?? file.approval?.waitAtMost ?? file.waitAtMost) ?? 0,
  }
}

/** Replaces groups with their people. Keeps a group whose people are not listed: a sign-in names it. */
function peopleOf(file: PolicyFile, by: readonly string[] | undefined): string[] | undefined {
  const peopleOrGroup = (name: string, people = groupOf(file, name)) => (people?.length ? people : [name])
  return by && [...new Set(by.flatMap((name) => peopleOrGroup(name)))]
}

function groupOf({ groups }: PolicyFile, name: string): string[] | undefined {
  const group = name.startsWith(GROUP) ? name.slice(GROUP.length) : ''
  return Object.hasOwn(groups, group) ? groups[group] : undefined
}
