import { useState } from 'preact/hooks'
import type { ActionView } from '../action-views.ts'
import { go, linkTo } from './route.ts'

interface Found {
  view: ActionView
  /** The connection that was searched for. */
  connection?: string
  hint: string
}

/**
 * Finds actions by words. Each word is in their category, their name, or one of their connections or providers.
 *
 * @example findActions(all, 'open jira')
 */
function findActions(all: ActionView[], text: string): Found[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return all.flatMap((view): Found[] => {
    const own = `${view.category} ${view.action}`.toLowerCase()
    const others = words.filter((word) => !own.includes(word))
    if (others.length === 0) return [{ view, hint: view.examples.length === 0 ? 'no example' : '' }]
    const hasOthers = (text: string) => others.every((word) => text.toLowerCase().includes(word))
    const connection = view.connections.find(({ name, provider }) => hasOthers(`${name} ${provider}`))
    if (connection) return [{ view, connection: connection.name, hint: connection.name }]
    return view.providers.some(hasOthers) ? [{ view, hint: 'not connected' }] : []
  })
}

function linkToAction({ view: { category, action }, connection }: Found): string {
  return linkTo(['send', category, action], { connection })
}

interface PickerProps {
  actions: ActionView[]
  category: string | undefined
  action: string | undefined
}

/** The list of actions, with a search. */
export function Picker({ actions, category, action }: PickerProps) {
  const [text, setText] = useState('')
  const found = findActions(actions, text)
  const [first] = found
  return (
    <search
      class="panel picker"
      onKeyDown={(event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
        if (step === undefined) return
        event.preventDefault()
        moveFocus(event.currentTarget, step)
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (first) go(linkToAction(first))
        }}
      >
        <label class="visually-hidden" for="q">
          Find an action
        </label>
        <input
          class="field"
          id="q"
          type="search"
          placeholder="Find an action"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </form>
      <nav aria-label="Actions">
        {[...Map.groupBy(found, ({ view }) => view.category)].map(([name, all]) => (
          <div key={name}>
            <h2>{name}</h2>
            <ul>
              {all.map((one) => (
                <li key={one.view.action}>
                  <a
                    href={linkToAction(one)}
                    aria-current={one.view.action === action && name === category ? 'true' : undefined}
                  >
                    {one.view.action}
                    <span class="small muted">{one.hint}</span>
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <p class="small muted" role="status">
        {actions.length > 0 && !first && 'No category, action or connection has these words.'}
      </p>
    </search>
  )
}

/** Moves the focus through the search and the links. */
function moveFocus(picker: HTMLElement, step: number): void {
  const stops = [...picker.querySelectorAll<HTMLElement>('input, a')]
  const index = stops.findIndex((stop) => stop.matches(':focus'))
  stops[Math.max(0, index + step)]?.focus()
}
