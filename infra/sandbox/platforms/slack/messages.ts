import type { Store } from '../sandbox/store.ts'
import type { Block } from './blocks.ts'

/** A message in a channel. */
export interface ChatMessage {
  channel: string
  /** The id: epoch seconds with six decimal places. */
  ts: string
  text: string
  blocks: Block[]
  metadata?: { event_type: string; event_payload: Record<string, unknown> } | undefined
  /** The first message of its thread. */
  thread_ts?: string | undefined
  /** Whether the channel shows the reply, too. */
  reply_broadcast?: boolean | undefined
  /** The id of the only reader. */
  onlyFor?: string | undefined
  /** The time of the last change. */
  edited?: string | undefined
}

/** Stores messages. */
export interface Messages {
  /** Oldest first. */
  all(): ChatMessage[]
  find(ts: string): ChatMessage | undefined
  add(message: Omit<ChatMessage, 'ts'>): ChatMessage
  replace(message: ChatMessage): ChatMessage
}

export function createMessages(store: Store): Messages {
  const messages = store.collection<ChatMessage>('slack.messages')
  /** Returns the current time, or a later one if another message has it. */
  const now = () => {
    const microseconds = messages.next('ts', Date.now() * 1000)
    return `${Math.floor(microseconds / 1e6)}.${String(microseconds % 1e6).padStart(6, '0')}`
  }
  return {
    all: () => messages.list(),
    find: messages.get,
    add(given) {
      const ts = now()
      return messages.put(ts, { ...given, ts })
    },
    replace: (given) => messages.put(given.ts, { ...given, edited: now() }),
  }
}

/** In ISO 8601. */
export function timeOf(ts: string): string {
  return new Date(Number(ts) * 1000).toISOString()
}
