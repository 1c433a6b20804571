import { useEffect, useRef } from 'preact/hooks'
import { showTab } from './call.tsx'
import { askToRerun, copyAsCurl, editAndRerun } from './call-actions.tsx'
import { closeCall, moveCursor, openCursor } from './call-cursor.ts'
import { withdrawQuestion } from './call-notice.tsx'
import { copy } from './copy.ts'
import { closeMenus } from './filters.tsx'
import { isPaused } from './live.ts'
import { openCall } from './open-call.ts'
import { toggleAll } from './requests.tsx'
import { go, route, setQuery } from './route.ts'
import { isReadOnly, stack } from './stack.ts'

type Keys = [key: string, text: string][]

const callKeys: Keys = stack
  ? [['r', isReadOnly ? 'copy re-run command' : 're-run']]
  : [
      ['r', 're-run'],
      ['e', 'edit and re-run'],
      ['c', 'copy as curl'],
    ]
const runtimePages: Keys = stack
  ? []
  : [
      ['g s', 'sequences'],
      ['g n', 'send'],
      ['g b', 'sandbox'],
    ]

const help: [string, Keys][] = [
  [
    'Calls',
    [
      ['j k', 'next, previous call'],
      ['Enter', 'open'],
      ['Esc', 'back'],
      ['/', 'search'],
      ['s', 'group by sequence'],
      ['p', 'pause'],
    ],
  ],
  [
    'A call',
    [
      ['1 to 5', 'waterfall, requests, input, answer, log'],
      ...callKeys,
      ['x', 'expand all requests'],
      ['y', 'copy the link'],
    ],
  ],
  [
    'Pages',
    [['g c', 'calls'], ['g o', 'overview'], ['g p', 'policy'], ['g a', 'alerts'], ...runtimePages, ['?', 'this help']],
  ],
]

const pages: Record<string, string> = {
  c: 'calls',
  o: 'overview',
  p: 'policy',
  a: 'alerts',
  s: 'sequences',
  n: 'send',
  b: 'sandbox',
}
/** Whether the last key was g. */
let isGoing = false

const dialog = () => document.querySelector<HTMLDialogElement>('#keys')

export function showKeys(): void {
  dialog()?.showModal()
}

/** Handles the shortcuts, except while a field has the focus. */
function onKey(event: KeyboardEvent): void {
  const { key, target, ctrlKey, metaKey, altKey } = event
  if (ctrlKey || metaKey || altKey || dialog()?.open) return
  if (target instanceof HTMLElement && target.matches('input, textarea, select')) {
    if (key === 'Escape') target.blur()
    return
  }
  if (isGoing) {
    isGoing = false
    const page = pages[key]
    if (page) go(`#/${page}`)
    return
  }
  if (act(key, route.value.page === 'calls')) event.preventDefault()
}

/** Returns whether the key is a shortcut. */
function act(key: string, isCalls: boolean): boolean {
  if (key === '?') showKeys()
  else if (key === 'g') isGoing = true
  else if (key === 'Escape') {
    if (!closeMenus() && !withdrawQuestion() && isCalls) closeCall()
  } else if (key === '/') document.getElementById('q')?.focus()
  else if (!isCalls) return false
  else if (key === 'j' || key === 'ArrowDown') moveCursor(1)
  else if (key === 'k' || key === 'ArrowUp') moveCursor(-1)
  else if (key === 's') setQuery({ group: route.value.query.has('group') ? undefined : 'sequence' })
  else if (key === 'p') isPaused.value = !isPaused.value
  else if (key === 'o') openCursor()
  else return openCall.value !== undefined && actOnCall(key)
  return true
}

function actOnCall(key: string): boolean {
  if (/^[1-5]$/.test(key)) showTab(Number(key))
  else if (key === 'r') askToRerun()
  else if (key === 'e') editAndRerun()
  else if (key === 'c') copyAsCurl()
  else if (key === 'y') copy(location.href)
  else if (key === 'x') {
    setQuery({ tab: 'requests' })
    toggleAll()
  } else return false
  return true
}

/** All shortcuts. */
export function KeysDialog() {
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  return (
    <dialog id="keys" ref={box} aria-labelledby="keys-title">
      <div class="keyhead">
        <h2 id="keys-title">Keyboard shortcuts</h2>
        <span class="grow" />
        <button type="button" class="btn s" onClick={() => box.current?.close()}>
          Close
        </button>
      </div>
      <div class="keysheet">
        {help.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, text]) => (
                <div key={key}>
                  <dt>{text}</dt>
                  <dd>
                    <kbd>{key}</kbd>
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  )
}
