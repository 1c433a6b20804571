/**
 * A second evaluator of policies, written from docs/policy.md. It reads the contents of `policy.yaml`, and shares no code with the
 * evaluator of the functions, so that a mistake of one of them is a difference. Slow and plain.
 */
import { search } from '@aws-lambda-powertools/jmespath'

/** The contents of a valid file. */
export interface ModelFile {
  timeZone?: string
  waitAtMost?: string
  approval?: Approve
  groups?: Record<string, string[]>
  rules?: ModelRule[]
}

interface ModelRule {
  name: string
  when?: Record<'actions' | 'effects' | 'connections' | 'callers' | 'projects' | 'stages' | 'services', string[]> & {
    agents?: boolean
    input?: string
  }
  deny?: string
  only?: { days?: string | string[]; from?: string; to?: string }
  freeze?: { from: string; to: string }[]
  approve?: Approve
  otherwise?: 'refuse' | 'wait' | 'approve'
  oneAtATime?: { per: string; group?: string; queue?: number; turnAtMost?: string }
  atMost?: { count: number; per: string; for: string }
  timeZone?: string
  waitAtMost?: string
}

interface Approve {
  connection?: string
  channel?: string
  count?: number
  by?: string[]
  notRequester?: boolean
  complete?: boolean
  changed?: 'fail' | 'run'
  waitAtMost?: string
}

/** The facts about a call. */
export interface ModelCall {
  category: string
  /** Also those that the action had before. */
  actions: readonly string[]
  /** Stops something, or asks people. */
  isFree: boolean
  isStop: boolean
  effect: string | undefined
  connection: string
  caller: { name: string; isAgent: boolean; writes: 'allow' | 'approve' | 'deny'; owners: readonly string[] }
  project: string | undefined
  stage: string | undefined
  service: string | undefined
  input: unknown
}

/** The decision about a call that arrives. */
export interface ModelDecision {
  /** Why it is refused, and by which rule. */
  refused?: { because: string; rule: string | undefined }
  /** The conditions for the start, without an order. */
  requires: { type: 'approval' | 'window' | 'limit' | 'turn'; rule: string | undefined; ask?: ModelAsk | undefined }[]
  /** The rules that can still refuse the start. */
  refusesAtStart: string[]
  waitSeconds: number
  runSeconds: number | undefined
}

interface ModelAsk {
  connection: string | undefined
  channel: string | undefined
  count: number
  by: string[] | undefined
  excluded: string[] | undefined
  isComplete: boolean
  mayChange: boolean
}

/** A stop that people have set. */
export interface ModelStop {
  actions?: string[] | undefined
  except?: string[] | undefined
  connections?: string[] | undefined
  callers?: string[] | undefined
  until?: number | undefined
  end?: true | undefined
}

const NOTHING = { requires: [], refusesAtStart: [], waitSeconds: 0, runSeconds: undefined }

/** Decides about a call that arrives at some time, in epoch milliseconds. */
export function decide(file: ModelFile, call: ModelCall, at: number): ModelDecision {
  const ofRules = decideByRules(file, call, at)
  const { writes } = call.caller
  if (ofRules.refused || call.isStop || writes === 'allow') return ofRules
  if (writes === 'deny') return { ...NOTHING, refused: { because: 'denied', rule: undefined } }
  if (ofRules.requires.some(({ type }) => type === 'approval')) return ofRules
  if (!file.approval) return { ...NOTHING, refused: { because: 'unasked', rule: undefined } }
  const ask = askOf(file, {}, call)
  if (hasNoOne(ask)) return { ...NOTHING, refused: { because: 'requester', rule: undefined } }
  return {
    ...ofRules,
    requires: [...ofRules.requires, { type: 'approval', rule: undefined, ask }],
    waitSeconds: Math.max(ofRules.waitSeconds, secondsOf(file.approval.waitAtMost ?? file.waitAtMost ?? 'PT4H')),
  }
}

function decideByRules(file: ModelFile, call: ModelCall, at: number): ModelDecision {
  const rules = (file.rules ?? []).filter((rule) => isFor(rule, call))
  const denial = rules.find(({ deny }) => deny !== undefined)
  if (denial) return { ...NOTHING, refused: { because: 'denied', rule: denial.name } }
  const decision: ModelDecision = { ...NOTHING, requires: [], refusesAtStart: [] }
  for (const rule of rules) {
    const refusal = apply(file, rule, call, at, decision)
    if (refusal !== undefined) return { ...NOTHING, refused: { because: refusal, rule: rule.name } }
  }
  return decision
}

/** Adds what a rule requires. Returns why it refuses the call, if it does. */
function apply(
  file: ModelFile,
  rule: ModelRule,
  call: ModelCall,
  at: number,
  decision: ModelDecision,
): string | undefined {
  const { name, otherwise = 'refuse', oneAtATime, atMost, approve } = rule
  const isWindow = rule.only !== undefined || rule.freeze !== undefined
  if ((isWindow || atMost) && otherwise === 'refuse') {
    if (isWindow && !isOpen(file, rule, at)) return 'closed'
    decision.refusesAtStart.push(name)
    return undefined
  }
  const ask =
    isWindow || atMost
      ? otherwise === 'approve'
        ? askOf(file, approve ?? {}, call)
        : undefined
      : approve && askOf(file, approve, call)
  if (ask && hasNoOne(ask)) return 'requester'
  if (oneAtATime) {
    const missing = (['project', 'stage', 'service'] as const).filter(
      (part) => oneAtATime.per.includes(`{${part}}`) && visible(call[part] ?? '') === '',
    )
    if (missing.length > 0) return 'incomplete'
    const most = oneAtATime.turnAtMost === undefined ? undefined : secondsOf(oneAtATime.turnAtMost)
    if (most !== undefined) decision.runSeconds = Math.min(most, decision.runSeconds ?? most)
  }
  const type = isWindow ? 'window' : atMost ? 'limit' : oneAtATime ? 'turn' : 'approval'
  decision.requires.push({ type, rule: name, ask })
  // The section approval says how long people are waited for. A window or a limit opens by itself.
  const ofSection = type === 'approval' ? file.approval?.waitAtMost : undefined
  const wait = rule.waitAtMost ?? ofSection ?? file.waitAtMost ?? 'PT4H'
  decision.waitSeconds = Math.max(decision.waitSeconds, secondsOf(wait))
  return undefined
}

/** Whether only the task of an interactive call can wait for what a call requires. A limit is counted at its start. */
export function mustWait(file: ModelFile, { requires }: ModelDecision, at: number): boolean {
  return requires.some(({ type, rule: name }) => {
    const rule = file.rules?.find((one) => one.name === name)
    return (
      type === 'approval' || type === 'turn' || (type === 'window' && rule !== undefined && !isOpen(file, rule, at))
    )
  })
}

/**
 * Decides whether the action of an accepted call may start at some later time.
 *
 * @param letThrough names the rules whose windows people have opened
 */
export function decideStart(
  file: ModelFile,
  call: ModelCall,
  stops: readonly ModelStop[],
  letThrough: readonly string[],
  at: number,
): 'allowed' | 'closed' | 'stopped' | 'refused' {
  const isClosed = (rule: ModelRule) =>
    (rule.only !== undefined || rule.freeze !== undefined) && !letThrough.includes(rule.name) && !isOpen(file, rule, at)
  const closed = (file.rules ?? []).filter((rule) => isFor(rule, call) && isClosed(rule))
  const inForce = stops.filter(
    (stop) =>
      (stop.until === undefined || at < stop.until) &&
      isForAction(stop.actions, call) &&
      !actionsOf(call).some((action) => isLike(stop.except ?? [], action)) &&
      isForConnection(stop.connections, call) &&
      (stop.callers === undefined || isLike(stop.callers, call.caller.name)),
  )
  if (closed.some(({ otherwise = 'refuse' }) => otherwise === 'refuse')) return 'refused'
  if (inForce.some(({ end }) => end)) return 'refused'
  if (inForce.length > 0) return 'stopped'
  return closed.length > 0 ? 'closed' : 'allowed'
}

// Conditions

function isFor({ when }: ModelRule, call: ModelCall): boolean {
  if (!isForAction(when?.actions, call)) return false
  if (!when) return true
  return [
    when.effects === undefined || call.effect === undefined || when.effects.includes(call.effect),
    isForConnection(when.connections, call),
    when.callers === undefined || isLike(when.callers, call.caller.name),
    when.agents === undefined || when.agents === call.caller.isAgent,
    isForPlace(when.projects, call.project),
    isForPlace(when.stages, call.stage),
    isForPlace(when.services, call.service),
    when.input === undefined || isForInput(when.input, call.input),
  ].every((holds) => holds)
}

function actionsOf({ category, actions }: ModelCall): string[] {
  return actions.map((action) => `${category}/${action}`)
}

function isForAction(patterns: readonly string[] | undefined, call: ModelCall): boolean {
  if (call.isFree) return actionsOf(call).some((action) => patterns?.includes(action))
  return patterns === undefined || actionsOf(call).some((action) => isLike(patterns, action))
}

function isForConnection(patterns: readonly string[] | undefined, { category, connection }: ModelCall): boolean {
  return patterns === undefined || isLike(patterns, connection) || isLike(patterns, `${category}/${connection}`)
}

function isForPlace(patterns: readonly string[] | undefined, place = ''): boolean {
  const compared = visible(place).toLowerCase()
  if (patterns === undefined || compared === '') return true
  return isLike(
    patterns.map((pattern) => visible(pattern).toLowerCase()),
    compared,
  )
}

function isForInput(expression: string, input: unknown): boolean {
  if (input === undefined) return true
  try {
    return search(expression, JSON.parse(JSON.stringify(input))) !== false
  } catch {
    // It cannot be decided.
    return true
  }
}

/** Removes what people do not see. */
function visible(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '').trim()
}

/** Whether a name is like a pattern: tries each end of the first `*`. */
function isLike(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    const pieces = pattern.split('*')
    const [start = ''] = pieces
    if (pieces.length === 1) return pattern === name
    const end = pieces.at(-1) ?? ''
    if (!name.startsWith(start) || !name.endsWith(end) || name.length < start.length + end.length) return false
    let rest = name.slice(start.length, name.length - end.length)
    for (const piece of pieces.slice(1, -1)) {
      const [before, ...after] = rest.split(piece)
      if (piece !== '' && after.length === 0) return false
      rest = piece === '' ? rest : rest.slice((before ?? '').length + piece.length)
    }
    return true
  })
}

// People

function askOf({ approval = {}, groups = {} }: ModelFile, approve: Approve, { caller }: ModelCall): ModelAsk {
  const by = approve.by ?? approval.by
  const notRequester = approve.notRequester ?? approval.notRequester ?? false
  const people = by?.flatMap((name) => {
    const group = name.startsWith('group:') ? groups[name.slice('group:'.length)] : undefined
    return group?.length ? group : [name]
  })
  return {
    connection: approve.connection ?? approval.connection,
    // A channel belongs to its connection.
    channel: approve.channel ?? (approve.connection === undefined ? approval.channel : undefined),
    count: approve.count ?? approval.count ?? 1,
    by: people && [...new Set(people)],
    excluded: notRequester ? [...caller.owners] : undefined,
    isComplete: approve.complete ?? approval.complete ?? false,
    mayChange: approve.changed === 'run',
  }
}

/** Whether the requester may not approve, and is not known. */
function hasNoOne({ excluded }: ModelAsk): boolean {
  return excluded?.length === 0
}

// Times

const DAY_MS = 86_400_000
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

function isOpen(file: ModelFile, rule: ModelRule, at: number): boolean {
  const timeZone = rule.timeZone ?? file.timeZone ?? 'UTC'
  if (rule.freeze) return !rule.freeze.some(({ from, to }) => at >= startOf(from, timeZone) && at < endOf(to, timeZone))
  const { days = 'mon-sun', from = '00:00', to = '24:00' } = rule.only ?? {}
  const open = [days].flat().flatMap(daysOf)
  const today = Math.floor((at + offsetOf(at, timeZone)) / DAY_MS)
  // 1 January 1970 was a Thursday.
  const startsOn = (day: number) => open.includes(DAYS[(day + 3) % 7] ?? '')
  const wall = (day: number, time: string) => day * DAY_MS + secondsOfDay(time) * 1_000
  return [today - 2, today - 1, today, today + 1].some((day) => {
    const ends = wall(to > from ? day : day + 1, to)
    return startsOn(day) && at >= instantOf(wall(day, from), timeZone).first && at < instantOf(ends, timeZone).last
  })
}

function daysOf(range: string): string[] {
  const [first = '', last = first] = range.split('-')
  const days: string[] = []
  for (let day = DAYS.indexOf(first); ; day++) {
    const name = DAYS[day % 7] ?? ''
    days.push(name)
    if (name === last) return days
  }
}

function startOf(from: string, timeZone: string): number {
  return instantOf(wallOf(from), timeZone).first
}

/** A date lasts until the next one starts. */
function endOf(to: string, timeZone: string): number {
  return to.includes('T') ? instantOf(wallOf(to), timeZone).last : instantOf(wallOf(to) + DAY_MS, timeZone).first
}

/** Returns the time on the wall as if it were UTC. */
function wallOf(text: string): number {
  return Date.parse(`${text.includes('T') ? text : `${text}T00:00`}Z`)
}

function secondsOfDay(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 3_600 + minutes * 60
}

/** Returns the first and the last instant at which the clocks show a time. If they skip it, the moment at which they are changed. */
function instantOf(wall: number, timeZone: string): { first: number; last: number } {
  const offsets = [offsetOf(wall - DAY_MS, timeZone), offsetOf(wall + DAY_MS, timeZone)]
  const instants = offsets.map((offset) => wall - offset).filter((at) => at + offsetOf(at, timeZone) === wall)
  if (instants.length > 0) return { first: Math.min(...instants), last: Math.max(...instants) }
  let changed = wall - DAY_MS
  while (offsetOf(changed, timeZone) === offsets[0]) changed += 60_000
  return { first: changed, last: changed }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Returns how far the clocks are ahead of UTC, as the name of the zone says: `GMT+05:30`. */
function offsetOf(at: number, timeZone: string): number {
  const known = formats.get(timeZone) ?? new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  formats.set(timeZone, known)
  const name = known.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}

const UNITS: Record<string, number> = { D: 86_400, H: 3_600, M: 60, S: 1 }

function secondsOf(duration: string): number {
  return [...duration.matchAll(/(\d+)([DHMS])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (UNITS[unit] ?? Number.NaN),
    0,
  )
}
