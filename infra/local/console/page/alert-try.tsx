import { useState } from 'preact/hooks'
import { draft, edit, tried, tryDraft } from './alert-data.ts'
import { AlertEffects } from './alert-effects.tsx'

/** Evaluates changed rules on a changed body. */
export function AlertTry({ sources }: { sources: string[] }) {
  const [isTrying, setIsTrying] = useState(false)
  const { source, body, events } = draft.value
  const submit = async () => {
    setIsTrying(true)
    await tryDraft()
    setIsTrying(false)
  }
  // The text may declare another source than the runtime.
  const names = sources.includes(source) || source === '' ? sources : [...sources, source]
  return (
    <section class="panel" aria-label="Try rules">
      <header class="wrap">
        <h2>Try rules</h2>
        <span class="muted">Calls nothing. Start the runtime again to use a changed file</span>
      </header>
      <form
        class="body form tryrules"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
        onKeyDown={({ key, ctrlKey, metaKey }) => {
          if (key === 'Enter' && (ctrlKey || metaKey)) void submit()
        }}
      >
        <Text id="try-body" label="Body of the notification" value={body} onChange={(text) => edit({ body: text })} />
        <Text id="try-events" label="events.yaml" value={events} onChange={(text) => edit({ events: text })} />
        <div class="row wide">
          <label for="try-source">Source</label>
          <input
            class="field source"
            id="try-source"
            list="try-sources"
            value={source}
            autocomplete="off"
            onInput={({ currentTarget }) => edit({ source: currentTarget.value })}
          />
          <datalist id="try-sources">
            {names.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <button type="submit" class="btn primary" disabled={isTrying}>
            Try
          </button>
        </div>
      </form>
      <div role="status" class={tried.value ? 'tried' : ''}>
        {tried.value && <AlertEffects label="Try" tried={tried.value} />}
      </div>
    </section>
  )
}

interface TextProps {
  id: string
  label: string
  value: string
  onChange: (text: string) => void
}

function Text({ id, label, value, onChange }: TextProps) {
  return (
    <div>
      <label for={id}>{label}</label>
      <textarea
        class="field mono"
        id={id}
        spellcheck={false}
        rows={18}
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </div>
  )
}
