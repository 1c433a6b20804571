import type { Live } from './live.ts'

/** Collects what has changed, and tells it together: a task changes several times within milliseconds. */
interface Changes {
  changed(id: string): void
  gone(id: string): void
  sandbox(): void
  close(): void
}

/** In milliseconds. */
const pause = 150

/**
 * @param summary of a call that has changed; undefined where it is not there any more
 * @param hasDropped whether older calls are no longer kept
 */
export function createChanges(
  live: Live,
  summary: (id: string) => object | undefined,
  hasDropped: () => boolean,
): Changes {
  const changed = new Set<string>()
  const gone = new Set<string>()
  let sandbox = false
  let timer: NodeJS.Timeout | undefined

  const tell = () => {
    timer = undefined
    if (changed.size + gone.size > 0) {
      const calls = [...changed].flatMap((id) => summary(id) ?? [])
      live.tell('calls', { changed: calls, gone: [...gone], hasDropped: hasDropped() })
    }
    if (sandbox) live.tell('sandbox', {})
    changed.clear()
    gone.clear()
    sandbox = false
  }
  const soon = (note: () => void) => {
    if (!live.watched) return
    note()
    timer ??= setTimeout(tell, pause).unref()
  }
  return {
    changed: (id) => soon(() => changed.add(id)),
    gone: (id) =>
      soon(() => {
        changed.delete(id)
        gone.add(id)
      }),
    sandbox: () =>
      soon(() => {
        sandbox = true
      }),
    close: () => clearTimeout(timer),
  }
}
