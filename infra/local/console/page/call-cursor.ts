import { signal } from '@preact/signals'
import { groups, list, rows } from './call-data.ts'
import { linkToCall } from './call-link.ts'
import { filterQuery } from './filters.tsx'
import { go, linkTo, route } from './route.ts'

/** Number of the row with the keyboard focus. */
export const cursor = signal(-1)

/** Moves the focus by rows. */
export function moveCursor(step: number): void {
  const total = list.value?.total ?? 0
  if (total === 0 || groups.value) return
  const openId = route.value.parts[0]
  const open = openId === undefined ? -1 : ([...rows.value].find(([, { id }]) => id.startsWith(openId))?.[0] ?? -1)
  const from = cursor.value >= 0 ? cursor.value : open
  cursor.value = Math.min(total - 1, Math.max(0, from + step))
  requestAnimationFrame(() => {
    const row = document.querySelector<HTMLElement>(`[data-row="${cursor.value}"]`)
    row?.focus()
    row?.scrollIntoView({ block: 'nearest' })
    const id = rows.value.get(cursor.value)?.id
    if (openId !== undefined && id !== undefined) go(linkToCall(id), { replace: true })
  })
}

/** Opens the focused call. */
export function openCursor(): void {
  const id = rows.value.get(cursor.value)?.id
  if (id !== undefined) go(linkToCall(id))
}

/** Returns to the list, and to the row of the call that was open. */
export function closeCall(): void {
  const [id] = route.value.parts
  if (id === undefined) return
  go(linkTo(['calls'], filterQuery(route.value.query)))
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)?.focus())
}
