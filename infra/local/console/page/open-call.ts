import { signal } from '@preact/signals'
import type { CallDetail } from '../call-view.ts'

/** The open call. The keyboard shortcuts act on it. */
export const openCall = signal<CallDetail | undefined>(undefined)
