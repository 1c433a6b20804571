import { useEffect, useState } from 'preact/hooks'
import type { CodeView } from '../as-code/index.ts'
import { messageOf, send } from './api.ts'
import { Code } from './code.tsx'
import { copy } from './copy.ts'
import { type Draft, readBody } from './send-draft.ts'

/** The text follows the fields after a pause in typing. */
const PAUSE_MS = 250

/** The call as a command and as code of engines, to copy. */
export function SendCode({ path, draft }: { path: string; draft: Draft }) {
  const [views, setViews] = useState<CodeView[]>([])
  const [problem, setProblem] = useState('')
  const [engine, setEngine] = useState('curl')
  const { query, body } = draft
  useEffect(() => {
    const read = readBody(draft)
    if ('problem' in read) return setProblem(read.problem)
    let isStale = false
    const timer = setTimeout(async () => {
      try {
        const made = await send<CodeView[]>('POST', `${path}/code`, { query, body: read.value })
        if (isStale) return
        setViews(made)
        setProblem('')
      } catch (error) {
        if (!isStale) setProblem(messageOf(error))
      }
    }, PAUSE_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [path, query, body])
  const view = views.find((view) => view.engine === engine)
  if (!view) return null
  const refusal = problem || ('refusal' in view ? view.refusal : '')
  return (
    <section class="panel code" aria-label="As code">
      <Tabs names={views.map((view) => view.engine)} selected={engine} onSelect={setEngine} />
      <div class="body stack" id="code" role="tabpanel" aria-labelledby={`code-${engine}`}>
        <div class="row">
          <span class="muted small grow">{view.place}</span>
          <button
            type="button"
            class="btn s"
            disabled={refusal !== ''}
            title={refusal || undefined}
            onClick={() => 'text' in view && copy(view.text)}
          >
            Copy
          </button>
        </div>
        {refusal !== '' && <p class="note">{refusal}</p>}
        {'note' in view && view.note && refusal === '' && <p class="note warning">{view.note}</p>}
        {'text' in view && refusal === '' && <Code label={`${view.engine} text`}>{view.text}</Code>}
      </div>
    </section>
  )
}

interface TabsProps {
  names: string[]
  selected: string
  onSelect: (name: string) => void
}

function Tabs({ names, selected, onSelect }: TabsProps) {
  const move = (step: number) => {
    const next = names[(names.indexOf(selected) + step + names.length) % names.length] ?? selected
    onSelect(next)
    document.getElementById(`code-${next}`)?.focus()
  }
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label="As code"
      onKeyDown={({ key }) => {
        if (key === 'ArrowRight') move(1)
        if (key === 'ArrowLeft') move(-1)
      }}
    >
      {names.map((name) => (
        <button
          key={name}
          id={`code-${name}`}
          type="button"
          role="tab"
          aria-selected={name === selected}
          aria-controls="code"
          tabIndex={name === selected ? 0 : -1}
          onClick={() => onSelect(name)}
        >
          {name}
        </button>
      ))}
    </div>
  )
}
