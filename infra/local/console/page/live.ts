import { signal } from '@preact/signals'
import type { CallSummary } from '../call-summary.ts'

/** The time in the page, for countdowns. */
export const now = signal(Date.now())
setInterval(() => {
  now.value = Date.now()
}, 1_000)

/** When the connection to the runtime was lost. Undefined while it is connected. */
export const offlineSince = signal<number | undefined>(undefined)
export const isPaused = signal(false)

export interface CallChange {
  changed: CallSummary[]
  removed: string[]
}

type Listener<T> = (data: T) => void

interface Events {
  calls: CallChange
  sandbox: unknown
  alerts: unknown
  stops: unknown
  sequence: { name: string; line?: string }
  /** The connection was established: everything must be read again. */
  ready: unknown
}

const listeners: { [K in keyof Events]: Set<Listener<Events[K]>> } = {
  calls: new Set(),
  sandbox: new Set(),
  alerts: new Set(),
  stops: new Set(),
  sequence: new Set(),
  ready: new Set(),
}

/** Calls a listener for each event. Returns a function that stops it. */
export function listen<K extends keyof Events>(name: K, listener: Listener<Events[K]>): () => void {
  listeners[name].add(listener)
  return () => void listeners[name].delete(listener)
}

function publish<K extends keyof Events>(name: K, data: Events[K]): void {
  for (const listener of listeners[name] as Set<Listener<Events[K]>>) listener(data)
}

/** Opens the stream of changes. The browser opens it again after an interruption. */
export function connect(): void {
  const stream = new EventSource('/console/stream')
  stream.addEventListener('ready', () => {
    offlineSince.value = undefined
    publish('ready', undefined)
  })
  stream.addEventListener('error', () => {
    offlineSince.value ??= Date.now()
  })
  stream.addEventListener('calls', ({ data }) => publish('calls', JSON.parse(data)))
  stream.addEventListener('sandbox', () => publish('sandbox', undefined))
  stream.addEventListener('alerts', () => publish('alerts', undefined))
  stream.addEventListener('stops', () => publish('stops', undefined))
  stream.addEventListener('sequence', ({ data }) => publish('sequence', JSON.parse(data)))
}

/** Returns a function that runs an action at most once per interval, after the first request for it. */
export function throttle(action: () => void, ms: number): () => void {
  let timer: number | undefined
  return () => {
    if (timer !== undefined) return
    timer = window.setTimeout(() => {
      timer = undefined
      action()
    }, ms)
  }
}
