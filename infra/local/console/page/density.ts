import { signal } from '@preact/signals'

/** Whether the rows of the list are low. The browser remembers it. */
export const isCompact = signal(localStorage.getItem('density') === 'compact')
export function setDensity(compact: boolean): void {
  isCompact.value = compact
  localStorage.setItem('density', compact ? 'compact' : 'comfortable')
}
