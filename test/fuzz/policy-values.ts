import { ACTION_EFFECTS } from '../../shared/action-effect.ts'
import type { PolicyCall } from '../../shared/policy/call.ts'
import type { Stop } from '../../shared/policy/kinds/stop.ts'
import type { Random } from '../prove/random.ts'
import { FIELD_NAMES, HOSTILE_VALUES } from './hostile-values.ts'

/** Random contents of `policy.yaml`, and calls that its rules match or not. */

const NAMES = ['prod-eu', 'prod-us', 'test', 'default', 'shop', 'staging', 'production', 'release-agent']
/** A name that takes long to compare with a pattern, unless that takes linear time. */
const LONG_NAME = `prod${'-'.repeat(200)}`
const LONG_PATTERN = 'prod-*-*-*-*-*x'
const PATTERNS = [...NAMES, '*', 'prod-*', '*-agent', '*o*', '***', 'p*d-*', LONG_PATTERN]
const CATEGORIES = ['ci-cd', 'feature-flags', 'issue-ticketing', 'remediation']
const ACTIONS = ['trigger-deployment', 'set-flag', 'open-issue', 'cancel-run', 'run-job']
export const ZONES = [
  'Europe/Vienna',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Pacific/Apia',
  'UTC',
]
export const GROUPS = { sre: ['jane@example.com', 'U012ABCDEF', 'ben@example.com'] }
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const FIELDS = ['percentage', 'title', 'parameters.version', 'labels[0]', 'flags[*].name', '@', 'missing']
const FUNCTIONS = ['length', 'to_number', 'keys', 'sort', 'max', 'reverse', 'not_null', 'abs', 'join', 'unknown']

/** Returns the contents of a file: valid, or with a value that does not belong there. */
export function fileOf(random: Random): unknown {
  const file = {
    timeZone: random.pick(ZONES),
    ...optional(random, 0.3, 'enforce', () => random.chance(0.5)),
    ...optional(random, 0.3, 'waitAtMost', () => random.pick(['PT4H', 'P3D', 'PT5S'])),
    ...optional(random, 0.7, 'approval', () => ({ connection: 'ops', ...decidersOf(random) })),
    groups: GROUPS,
    rules: Array.from({ length: random.integer(0, 8) }, (_, n) => ruleOf(random, `rule ${n}`)),
  }
  return random.chance(0.4) ? broken(random, file) : file
}

/** Returns a valid rule for files with `approval`. */
export function ruleOf(random: Random, name: string): Record<string, unknown> {
  const approve = () => ({
    ...optional(random, 0.8, 'connection', () => random.pick(['ops', 'team'])),
    ...decidersOf(random),
    ...optional(random, 0.2, 'changed', () => random.pick(['fail', 'run'])),
  })
  const window = (): object =>
    random.chance(0.5) ? { only: openingOf(random) } : { freeze: [freezeOf(random), freezeOf(random)] }
  const effects: (() => object)[] = [
    () => ({ deny: 'No' }),
    () => ({ approve: approve() }),
    () => ({ ...window(), otherwise: 'wait' }),
    () => ({ ...window(), ...optional(random, 0.5, 'otherwise', () => 'refuse') }),
    () => ({ ...window(), otherwise: 'approve', approve: approve() }),
    () => ({ oneAtATime: turnOf(random) }),
    () => ({ atMost: limitOf(random), ...optional(random, 0.5, 'otherwise', () => random.pick(['refuse', 'wait'])) }),
    () => ({ atMost: limitOf(random), otherwise: 'approve', approve: approve() }),
  ]
  return {
    name,
    ...optional(random, 0.8, 'when', () => whenOf(random)),
    ...random.pick(effects)(),
    ...optional(random, 0.5, 'waitAtMost', () => random.pick(['PT1H', 'P1D'])),
    ...optional(random, 0.2, 'timeZone', () => random.pick(ZONES)),
  }
}

export function callOf(random: Random): PolicyCall {
  const maybe = (of: readonly string[]) => (random.chance(0.2) ? undefined : disguised(random, random.pick(of)))
  const texts = [...NAMES, LONG_NAME, ...HOSTILE_VALUES]
  const isFree = random.chance(0.1)
  return {
    category: random.pick(CATEGORIES),
    action: random.pick(ACTIONS),
    ...optional(random, 0.2, 'actionNames', () => [random.pick(ACTIONS), random.pick(ACTIONS)]),
    isFree,
    isStop: isFree && random.chance(0.5),
    effect: random.pick([undefined, ...ACTION_EFFECTS]),
    connection: random.pick(texts),
    caller: {
      name: random.pick(NAMES),
      isAgent: random.chance(0.5),
      writes: random.pick(['allow', 'approve', 'deny']),
      owners: random.chance(0.5) ? [] : ['jane@example.com'],
    },
    project: maybe(texts),
    stage: maybe(texts),
    service: maybe(texts),
    input: random.chance(0.1) ? undefined : jsonOf(random),
  }
}

/** Returns a name that people take for the same. */
function disguised(random: Random, name: string): string {
  const letter = random.integer(0, name.length)
  return random.pick([
    name,
    name,
    name.toUpperCase(),
    ` ${name}\t`,
    `${name.slice(0, letter)}\u200b${name.slice(letter)}`,
    `\u2060${name}`,
  ])
}

export function openingOf(random: Random) {
  const time = () => `${String(random.integer(0, 23)).padStart(2, '0')}:${random.pick(['00', '15', '30', '59'])}`
  const days = random.pick([random.pick(DAYS), `${random.pick(DAYS)}-${random.pick(DAYS)}`, [...DAYS]])
  return { ...optional(random, 0.7, 'days', () => days), from: time(), to: random.chance(0.1) ? '24:00' : time() }
}

/** Near the days on which the clocks change. */
export function freezeOf(random: Random) {
  const month = random.pick(['03', '04', '10', '11'])
  const [first, last] = [random.integer(1, 15), random.integer(16, 30)]
  const time = () => random.pick(['', 'T01:30', 'T02:00', 'T02:30', 'T23:59'])
  const day = (of: number) => `2026-${month}-${String(of).padStart(2, '0')}${time()}`
  return { from: day(first), to: day(last) }
}

function decidersOf(random: Random) {
  return {
    ...optional(random, 0.5, 'count', () => random.integer(1, 3)),
    ...optional(random, 0.4, 'by', () => ['group:sre']),
    ...optional(random, 0.4, 'notRequester', () => random.chance(0.7)),
    ...optional(random, 0.3, 'channel', () => '#ops'),
    ...optional(random, 0.2, 'complete', () => random.chance(0.5)),
  }
}

function turnOf(random: Random) {
  return {
    per: random.pick(['{connection}', '{connection}/{service}', 'one target', '{project}-{stage}']),
    ...optional(random, 0.3, 'group', () => 'shared'),
    ...optional(random, 0.3, 'queue', () => random.integer(0, 20)),
    ...optional(random, 0.3, 'turnAtMost', () => random.pick(['PT10M', 'PT1H', 'PT1H30M'])),
  }
}

function limitOf(random: Random) {
  const target = random.pick(['{connection}', '{caller}/{input.title}', '{service}', 'all'])
  return { count: random.integer(1, 5), per: random.pick(['PT10M', 'P1D']), for: target }
}

/** Returns a stop, at about the time when an action starts. */
export function stopOf(random: Random, id: string, now: number): Stop {
  const { actions, connections, callers } = whenOf(random)
  return {
    id,
    reason: 'bad release',
    by: 'jane@example.com',
    at: now,
    ...(random.chance(0.3) ? {} : { actions, connections, callers }),
    ...optional(random, 0.3, 'except', () => ['remediation/*']),
    ...optional(random, 0.3, 'until', () => now + random.integer(-1, 1)),
    ...optional(random, 0.3, 'end', () => true as const),
  }
}

function whenOf(random: Random) {
  const some = (of: readonly string[]) => () => [random.pick(of), random.pick(of)]
  const actions = [
    ...CATEGORIES.map((name) => `${name}/*`),
    ...ACTIONS.map((name) => `*/${name}`),
    '*',
    'ci-cd/cancel-run',
  ]
  return {
    ...optional(random, 0.5, 'actions', some(actions)),
    ...optional(random, 0.3, 'connections', some([...PATTERNS, 'ci-cd/*'])),
    ...optional(random, 0.2, 'callers', some(PATTERNS)),
    ...optional(random, 0.2, 'agents', () => random.chance(0.5)),
    ...optional(random, 0.2, 'projects', some(PATTERNS)),
    ...optional(random, 0.2, 'stages', some(PATTERNS)),
    ...optional(random, 0.2, 'services', some(PATTERNS)),
    ...optional(random, 0.3, 'input', () => expressionOf(random)),
  }
}

/** Returns a JMESPath expression, which may fail for an input. */
function expressionOf(random: Random, depth = 2): string {
  if (depth === 0) return random.pick([...FIELDS, '`10`', "'text'", '`false`', '`null`', '`[1, "a"]`'])
  const [left, right] = [expressionOf(random, depth - 1), expressionOf(random, depth - 1)]
  return random.pick([
    `${left} ${random.pick(['==', '!=', '<', '>', '>=', '&&', '||'])} ${right}`,
    `!(${left})`,
    `${random.pick(FUNCTIONS)}(${left})`,
    `contains(${left}, ${right})`,
    `flags[?${left}]`,
    `sort_by(flags, &${random.pick(FIELDS)})`,
    `{ a: ${left}, b: ${right} }`,
  ])
}

/** Returns any JSON value. */
function jsonOf(random: Random, depth = 3): unknown {
  const leaf = () => random.pick<unknown>([null, true, false, 0, 10, 11.5, -1, 1e300, ...HOSTILE_VALUES])
  if (depth === 0 || random.chance(0.2)) return leaf()
  if (random.chance(0.2)) return Array.from({ length: random.integer(0, 3) }, () => jsonOf(random, depth - 1))
  const names = ['percentage', 'title', 'parameters', 'version', 'labels', 'flags', 'name', ...FIELD_NAMES]
  // JSON.parse makes __proto__ a field.
  const fields = Array.from({ length: random.integer(0, 6) }, () => [random.pick(names), jsonOf(random, depth - 1)])
  return JSON.parse(`{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`)
}

/** Replaces, adds or removes a value at a random place. */
function broken(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.15)) return jsonOf(random)
  const copy = structuredClone(value) as Record<string, unknown>
  const name = random.pick([...Object.keys(copy), ...(random.chance(0.2) ? FIELD_NAMES : []), 'rules'])
  if (random.chance(0.15)) delete copy[name]
  else copy[name] = broken(random, copy[name])
  return copy
}

function optional<Name extends string, T>(
  random: Random,
  share: number,
  name: Name,
  value: () => T,
): { [N in Name]?: T } {
  return random.chance(share) ? ({ [name]: value() } as { [N in Name]?: T }) : {}
}
