import { signal } from '@preact/signals'
import type { AlertsView, NotificationDetail, TriedView } from '../alerts/alerts-view.ts'
import { get, messageOf, send } from './api.ts'
import { pretty } from './format.ts'
import { linkTo } from './route.ts'

export const view = signal<AlertsView | undefined>(undefined)
export const problem = signal('')
/** The notification that the URL names. */
export const opened = signal<NotificationDetail | undefined>(undefined)

/** The texts to try. */
export interface AlertDraft {
  source: string
  body: string
  headers: Record<string, string>
  events: string
}

export const draft = signal<AlertDraft>({ source: '', body: '', headers: {}, events: '' })
export const tried = signal<TriedView | undefined>(undefined)

/** Reads the page, with the notifications of one source or of all. */
export async function readAlerts(source: string): Promise<void> {
  try {
    const query = source === '' ? '' : `?source=${encodeURIComponent(source)}`
    const read = await get<AlertsView>(`/console/alerts${query}`)
    const { text = '', body = '', sources, rules } = read
    if (view.value === undefined) {
      const first = {
        events: text,
        body: pretty(body),
        source: rules[0]?.source ?? sources[0]?.name ?? '',
        headers: {},
      }
      // The notification that the URL names may have been read before.
      draft.value = opened.value === undefined ? first : { ...draft.value, events: text }
    }
    view.value = read
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** Reads a notification. Its body becomes the one to try, unless it is only read again. */
export async function readNotification(id: string): Promise<void> {
  try {
    const read = await get<NotificationDetail>(`/console/alerts/${encodeURIComponent(id)}`)
    const isNew = opened.value?.id !== read.id
    opened.value = read
    problem.value = ''
    if (!isNew) return
    const { source, headers, body } = read
    draft.value = { ...draft.value, source, headers, body: pretty(body) }
    tried.value = undefined
  } catch (error) {
    opened.value = undefined
    problem.value = messageOf(error)
  }
}

export function closeNotification(): void {
  opened.value = undefined
}

/** Changes the texts. The last result is not theirs. */
export function edit(changes: Partial<AlertDraft>): void {
  draft.value = { ...draft.value, ...changes }
  tried.value = undefined
}

/** Evaluates the rules of the draft on its body. */
export async function tryDraft(): Promise<void> {
  const sent = draft.value
  try {
    const result = await send<TriedView>('POST', '/console/alerts', sent)
    if (draft.value === sent) tried.value = result
  } catch (error) {
    tried.value = { problem: messageOf(error), event: '', results: [], more: 0 }
  }
}

export function linkToNotification(id: number, source: string | undefined): string {
  return linkTo(['alerts', String(id)], { source })
}
