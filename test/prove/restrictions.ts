import type { Span } from './child.ts'
import type { Press, User } from './presses.ts'
import type { Random } from './random.ts'

/** The policy of a run, and what must hold for the calls that it restricts. This repeats no code of the product. */

/** The rules with people: how many have to approve, and who may decide. */
export const APPROVALS: Record<string, { count: number; people: readonly User[] }> = {
  'one person': { count: 1, people: ['jane'] },
  'two people': { count: 2, people: ['jane', 'ben'] },
  // Jane owns all callers.
  'another person': { count: 1, people: ['ben'] },
  'break glass': { count: 1, people: ['jane', 'ben'] },
}
export const OWNER = 'jane@example.com'

/** The effect of the rules on the calls with a connection of this name. */
export interface Restriction {
  connection: string
  /** The rules of `APPROVALS` that match. */
  asks: readonly string[]
  /** Another rule has a window, and this is what happens while it is closed. */
  window?: 'wait' | 'refuse' | 'approve'
  isDenied?: true
  /** Actions with this connection run one at a time, those of all categories together. */
  takesTurn?: true
}

export const restrictions: readonly (Restriction & { weight: number })[] = [
  { weight: 3, connection: 'one-person', asks: ['one person'] },
  { weight: 3, connection: 'two-people', asks: ['two people'] },
  { weight: 2, connection: 'another-person', asks: ['another person'] },
  { weight: 2, connection: 'several-rules', asks: ['one person', 'two people'] },
  { weight: 2, connection: 'by-day', asks: [], window: 'wait' },
  { weight: 1, connection: 'approved-by-day', asks: ['one person'], window: 'wait' },
  { weight: 2, connection: 'approved-only-by-day', asks: ['one person'], window: 'refuse' },
  { weight: 2, connection: 'only-by-day', asks: [], window: 'refuse' },
  { weight: 2, connection: 'break-glass', asks: ['break glass'], window: 'approve' },
  { weight: 2, connection: 'denied', asks: [], isDenied: true },
  { weight: 6, connection: 'stoppable', asks: [] },
  { weight: 3, connection: 'checkout', asks: [], takesTurn: true },
  { weight: 3, connection: 'cart', asks: [], takesTurn: true },
  { weight: 3, connection: 'search', asks: [], takesTurn: true },
]

/** How long the tasks wait for people and windows. */
export const WAIT_SECONDS = 40
const MINUTE_MS = 60_000
/** More than the runtime needs to start. */
const START_MS = 120_000

/**
 * Returns when the window of the rules is closed: until a full minute after the start of the runtime, and from then on each
 * second minute. A window opens and closes at full minutes.
 *
 * @param ms how long calls are sent. Then, it stays open
 */
export function closedTimes(now: number, ms: number): Span[] {
  const opensAt = Math.ceil((now + START_MS) / MINUTE_MS) * MINUTE_MS
  const closed: Span[] = [{ start: opensAt - 60 * MINUTE_MS, end: opensAt }]
  for (let start = opensAt + MINUTE_MS; start + MINUTE_MS <= opensAt + ms; start += 2 * MINUTE_MS)
    closed.push({ start, end: start + MINUTE_MS })
  return closed
}

/** Returns the connections of a stop. */
export function stoppedConnections(random: Random): string[] {
  const names = restrictions.map(({ connection }) => connection).filter(() => random.chance(0.5))
  return [...new Set(['stoppable', ...names])]
}

/** Returns the text of `policy.yaml`. JSON is YAML. */
export function policyOf(closed: readonly Span[]): string {
  const on = (...rules: string[]) => ({
    connections: restrictions
      .filter(({ asks, connection }) => asks.some((rule) => rules.includes(rule)) || rules.includes(connection))
      .map(({ connection }) => connection),
  })
  const time = (at: number) => new Date(at).toISOString().slice(0, 16)
  const freeze = closed.map(({ start, end }) => ({ from: time(start), to: time(end) }))
  const rules = [
    { name: 'one person', when: on('one person'), approve: { by: ['U0JANE'] } },
    { name: 'two people', when: on('two people'), approve: { count: 2, by: ['group:team'] } },
    { name: 'another person', when: on('another person'), approve: { notRequester: true } },
    { name: 'by day', when: on('by-day', 'approved-by-day'), freeze, otherwise: 'wait' },
    { name: 'only by day', when: on('only-by-day', 'approved-only-by-day'), freeze },
    { name: 'break glass', when: on('break glass'), freeze, otherwise: 'approve', approve: {} },
    { name: 'denied', when: on('denied'), deny: 'Never' },
    ...restrictions.flatMap(({ connection, takesTurn }) =>
      takesTurn
        ? [
            {
              name: connection,
              when: on(connection),
              oneAtATime: { per: '{connection}', group: connection, queue: 1_000 },
            },
          ]
        : [],
    ),
  ]
  const waitAtMost = `PT${WAIT_SECONDS}S`
  const approval = { connection: 'default', channel: 'C0OPERATIONS' }
  const groups = { team: ['jane@example.com', 'ben@example.com'] }
  return JSON.stringify({ timeZone: 'UTC', waitAtMost, approval, groups, rules })
}

/** Returns what people do about each request for an approval: decide, decide twice, decide late, or do nothing. */
export function pressesOf(random: Random): Press[] {
  return (['jane', 'ben'] as const).flatMap((user): Press[] => {
    const { action } = random.weighed(ACTIONS)
    const after = random.chance(0.1) ? random.integer(20_000, 40_000) : random.integer(0, 4_000)
    const again = random.chance(0.2) ? [after + random.integer(0, 1_000)] : []
    return action ? [after, ...again].map((delay) => ({ user, action, after: delay })) : []
  })
}

const ACTIONS: readonly { weight: number; action?: Press['action'] }[] = [
  { weight: 8, action: 'approve' },
  { weight: 1, action: 'reject' },
  { weight: 1 },
]
