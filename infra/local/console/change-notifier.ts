import type { EventStream } from './event-stream.ts'

/** Batches changes, because a task changes several times within milliseconds. */
interface ChangeNotifier {
  changed(id: string): void
  removed(id: string): void
  sandboxChanged(): void
  close(): void
}

const BATCH_MS = 150

/**
 * Sends changes of calls and of the sandbox to the open pages.
 *
 * @param summary returns a changed call; undefined if it no longer exists
 * @param hasDropped returns whether older calls were dropped
 */
export function createChangeNotifier(
  stream: EventStream,
  summary: (id: string) => object | undefined,
  hasDropped: () => boolean,
): ChangeNotifier {
  const changed = new Set<string>()
  const removed = new Set<string>()
  let isSandboxChanged = false
  let timer: NodeJS.Timeout | undefined

  const sendBatch = () => {
    timer = undefined
    if (changed.size + removed.size > 0) {
      const calls = [...changed].flatMap((id) => summary(id) ?? [])
      stream.send('calls', { changed: calls, removed: [...removed], hasDropped: hasDropped() })
    }
    if (isSandboxChanged) stream.send('sandbox', {})
    changed.clear()
    removed.clear()
    isSandboxChanged = false
  }
  const schedule = (record: () => void) => {
    if (!stream.hasPages) return
    record()
    timer ??= setTimeout(sendBatch, BATCH_MS).unref()
  }
  return {
    changed: (id) => schedule(() => changed.add(id)),
    removed: (id) =>
      schedule(() => {
        changed.delete(id)
        removed.add(id)
      }),
    sandboxChanged: () =>
      schedule(() => {
        isSandboxChanged = true
      }),
    close: () => clearTimeout(timer),
  }
}
