import type { EvaluationProvider } from './evaluation/provider.ts'
import type { FlagProvider } from './flag.ts'
import type { JobProvider } from './job.ts'
import type { LookUp, Needs } from './look-up.ts'
import type { MessageProvider } from './message.ts'
import type { Provider } from './provider.ts'
import type { ReportProvider } from './report.ts'
import type { TicketProvider } from './ticket.ts'

/** A kind of write at a platform. */
export type Write =
  | 'start'
  | 'rollback'
  | 'open'
  | 'comment'
  | 'update'
  | 'close'
  | 'flag'
  | 'pending change'
  | 'message'
  | 'report'
  | 'evaluation'

/** How a retry of a write whose response was lost does not write twice. The reference states it, and the conformance suites prove it. */
export interface Once {
  /**
   * - `platform-key`: it uses the same key, and the platform treats two writes with one key as one
   * - `look-up`: it searches for what the first attempt wrote, and writes only if the search finds nothing
   * - `comparison`: it reads the state, and writes nothing if that is as requested
   * - `same values`: it sets the same values again
   * - `nothing`: the platform does not show whether the first attempt has written
   * - `reads`: the action writes nothing
   */
  by: 'platform-key' | 'look-up' | 'comparison' | 'same values' | 'nothing' | 'reads'
  /** A condition. Without it, the retry does what `otherwise` says. */
  needs?: Needs | undefined
  /** How many of the newest objects a look-up searches. Behind them, the retry does what `otherwise` says. */
  newest?: LookUp['newest'] | undefined
  /** Delays before each search, if the platform lists a new object late. */
  delaysMs?: LookUp['delaysMs'] | undefined
  /** How long the platform remembers the key, for people. */
  keyLasts?: string | undefined
  /** If the first attempt cannot be recognized: the outcome is unknown and nothing is written, or the retry writes again. */
  otherwise: 'unknown' | 'again'
}

/** Returns how each write of a provider is made once. */
export function writesOf(provider: Provider): Partial<Record<Write, Once>> {
  switch (provider.kind) {
    case 'job':
      return jobWrites(provider as JobProvider)
    case 'ticket':
      return ticketWrites(provider as TicketProvider)
    case 'flag':
      return flagWrites(provider as FlagProvider)
    case 'message':
      return { message: postOf(provider as MessageProvider) }
    case 'report':
      return { report: postOf(provider as ReportProvider) }
    case 'evaluation':
      return { evaluation: evaluationOf(provider as EvaluationProvider) }
  }
}

/** Returns how a write of a provider is made once. */
export function onceOf(provider: Provider, write: Write): Once {
  const once = writesOf(provider)[write]
  if (!once) throw new Error(`${provider.title} has no ${write}.`)
  return once
}

type Start = Pick<JobProvider, 'hasIdempotentStart' | 'lookUp'>

function jobWrites({ rollback, ...provider }: JobProvider): Partial<Record<Write, Once>> {
  return { start: startOf(provider), ...(rollback && { rollback: startOf(rollback) }) }
}

function startOf({ hasIdempotentStart, lookUp }: Start): Once {
  if (hasIdempotentStart) return { by: 'platform-key', otherwise: 'unknown' }
  return lookUp ? lookUpOf(lookUp, 'unknown') : { by: 'nothing', otherwise: 'unknown' }
}

function ticketWrites({ lookUp, commentLookUp, get, ...provider }: TicketProvider): Partial<Record<Write, Once>> {
  if (!get) {
    const key = keyOf(provider, 'unknown')
    return { open: key, update: key, close: key }
  }
  const { needs } = lookUp ?? {}
  const comments: LookUp = commentLookUp ?? { newest: 'all', ...(needs && { needs }) }
  return {
    open: lookUp ? lookUpOf(lookUp, 'unknown') : keyOf(provider, 'unknown'),
    comment: lookUpOf(comments, 'unknown'),
    update: { by: 'same values', otherwise: 'unknown' },
    close: { by: 'comparison', otherwise: 'unknown' },
  }
}

function flagWrites({ getChangeStatus }: FlagProvider): Partial<Record<Write, Once>> {
  return {
    flag: { by: 'comparison', otherwise: 'unknown' },
    ...(getChangeStatus && { 'pending change': lookUpOf({ newest: 'all' }, 'unknown') }),
  }
}

/** A message or a report is rather written twice than lost. */
function postOf(provider: MessageProvider | ReportProvider): Once {
  const { lookUp, hasIdempotentWrites, showsOnce } = provider
  if (lookUp) return lookUpOf(lookUp, 'again')
  if (hasIdempotentWrites || showsOnce)
    return { ...keyOf(provider, 'again'), keyLasts: showsOnce === true ? undefined : showsOnce }
  return { by: 'nothing', otherwise: 'again' }
}

function evaluationOf({ startMeasurement, lookUp, ...provider }: EvaluationProvider): Once {
  if (!startMeasurement) return { by: 'reads', otherwise: 'unknown' }
  return lookUp ? lookUpOf(lookUp, 'unknown') : keyOf(provider, 'unknown')
}

function lookUpOf({ behind, ...lookUp }: LookUp, otherwise: Once['otherwise']): Once {
  return { by: 'look-up', ...lookUp, otherwise: behind ?? otherwise }
}

function keyOf({ keyNeeds }: Pick<Provider, 'keyNeeds'>, otherwise: Once['otherwise']): Once {
  return { by: 'platform-key', needs: keyNeeds === undefined ? undefined : { text: keyNeeds }, otherwise }
}
