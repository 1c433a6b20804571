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
  return {
    all: () => store.all<{ message: string }>('SELECT message FROM messages ORDER BY ts').map(read),
    find: (ts) => store.all<{ message: string }>('SELECT message FROM messages WHERE ts = ?', ts).map(read)[0],
    add(given) {
      const { latest } = store.get<{ latest: string | null }>('SELECT max(ts) AS latest FROM messages') ?? {}
      const message = { ...given, ts: after(latest ?? '0.0') }
      store.run('INSERT INTO messages (ts, message) VALUES (?, ?)', message.ts, JSON.stringify(message))
      return message
    },
    replace(given) {
      const message = { ...given, edited: after(given.edited ?? given.ts) }
      store.run('UPDATE messages SET message = ? WHERE ts = ?', JSON.stringify(message), message.ts)
      return message
    },
  }
}

function read({ message }: { message: string }): ChatMessage {
  return JSON.parse(message)
}

/** Returns the current time, or a later one if another message has it. */
function after(ts: string): string {
  const microseconds = Math.max(Date.now() * 1000, Number(ts.replace('.', '')) + 1)
  return `${Math.floor(microseconds / 1e6)}.${String(microseconds % 1e6).padStart(6, '0')}`
}

/** In ISO 8601. */
export function timeOf(ts: string): string {
  return new Date(Number(ts) * 1000).toISOString()
}
