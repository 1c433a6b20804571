import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { messageOf } from './api.ts'

type Views = typeof import('./later-views.ts')

const views = signal<Views | undefined>(undefined)
const problem = signal('')

async function load(): Promise<void> {
  try {
    views.value = await import('./later-views.ts')
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** Returns a view whose script is loaded when it is first shown. */
export function laterView(name: keyof Views): () => JSX.Element {
  return () => {
    useEffect(() => void load(), [])
    const View = views.value?.[name]
    return View ? <View /> : <p class="page">{problem.value}</p>
  }
}
