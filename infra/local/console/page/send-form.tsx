import type { ComponentChildren } from 'preact'
import { type Dispatch, type StateUpdater, useState } from 'preact/hooks'
import type { ActionView } from '../action-views.ts'
import { messageOf, send } from './api.ts'
import { route, setQuery } from './route.ts'
import { SendCode } from './send-code.tsx'
import { asDryRun, type Draft, type Path, readBody, valueAt, withNewId } from './send-draft.ts'
import { problemInFields, SendFields } from './send-fields.tsx'
import { fieldErrors, SendResponse, type Sent } from './send-response.tsx'

interface FormProps {
  view: ActionView
  draft: Draft
  onChange: Dispatch<StateUpdater<Draft>>
}

/** The form of a call, the response, and the call as code. */
export function SendForm({ view, draft, onChange, children }: FormProps & { children: ComponentChildren }) {
  const { category, action } = view
  const path = `/console/actions/${encodeURIComponent(category)}/${encodeURIComponent(action)}`
  const [keepsId, setKeepsId] = useState(false)
  const { sent, isSending, refusal, submit } = useSending(path, draft, () => keepsId || onChange(withNewId))
  const read = readBody(draft)
  const broken = 'problem' in read ? read.problem : ''
  const problem = broken || (showsJson() ? undefined : problemInFields(category, action, draft))
  const isDisabled = isSending || problem !== undefined
  const start = (isDryRun: boolean) => void (isDisabled || submit(isDryRun))
  return (
    <>
      <section class="panel">
        {children}
        <form
          class="body form"
          onSubmit={(event) => {
            event.preventDefault()
            start(false)
          }}
          onKeyDown={({ key, ctrlKey, metaKey }) => {
            if (key === 'Enter' && (ctrlKey || metaKey)) start(false)
          }}
        >
          <Views summary={view.summary} isBroken={broken !== ''} />
          {showsJson() || broken !== '' ? (
            <JsonView {...{ category, action, draft, onChange }} problem={broken} />
          ) : (
            <SendFields
              {...{ category, action, draft, onChange }}
              connections={view.connections}
              errorOf={(fieldPath) => sent && errorAt(sent, draft, fieldPath)}
            />
          )}
          <label class="check">
            <input type="checkbox" checked={keepsId} onChange={(event) => setKeepsId(event.currentTarget.checked)} />
            Keep the id, so that the next one is a duplicate
          </label>
          <Buttons isDisabled={isDisabled} reason={problem} onDryRun={() => start(true)} />
          {refusal !== '' && (
            <p class="note fail" role="alert">
              {refusal}
            </p>
          )}
        </form>
      </section>
      <div class="stack results">
        {sent && <SendResponse sent={sent} />}
        <SendCode path={path} draft={draft} />
      </div>
    </>
  )
}

/** Sends the draft through the runtime, which has the token. */
function useSending(path: string, draft: Draft, onSent: () => void) {
  const [sent, setSent] = useState<SentDraft | undefined>()
  const [isSending, setIsSending] = useState(false)
  const [refusal, setRefusal] = useState('')
  const submit = async (isDryRun: boolean) => {
    setIsSending(true)
    setRefusal('')
    try {
      const query = isDryRun ? asDryRun(draft) : draft.query
      const response = await send<Omit<Sent, 'isDryRun'>>('POST', path, { query, body: JSON.parse(draft.body) })
      setSent({ ...response, isDryRun, draft })
      onSent()
    } catch (error) {
      setRefusal(messageOf(error))
    }
    setIsSending(false)
  }
  return { sent, isSending, refusal, submit }
}

interface ButtonsProps {
  isDisabled: boolean
  reason: string | undefined
  onDryRun: () => void
}

function Buttons({ isDisabled, reason, onDryRun }: ButtonsProps) {
  return (
    <div class="row buttons">
      <button type="submit" class="btn primary" disabled={isDisabled} title={reason}>
        Send
      </button>
      <button type="button" class="btn" disabled={isDisabled} title={reason} onClick={onDryRun}>
        Dry run
      </button>
      <span class="grow" />
      <span class="muted desk">
        <kbd>Ctrl</kbd> <kbd>Enter</kbd>
      </span>
    </div>
  )
}

type SentDraft = Sent & { draft: Draft }

/** Returns what the response says about a field. Nothing once the field has changed. */
function errorAt(sent: SentDraft, draft: Draft, path: Path): string | undefined {
  const error = fieldErrors(sent).get(path.join('.'))
  return error !== undefined && valueIn(sent.draft, path) === valueIn(draft, path) ? error : undefined
}

function valueIn(draft: Draft, path: Path): string | undefined {
  const read = readBody(draft)
  const inQuery = new URLSearchParams(draft.query).get(path.join('.'))
  return JSON.stringify('value' in read ? [inQuery, valueAt(read.value, path)] : [])
}

function showsJson(): boolean {
  return route.value.query.get('as') === 'json'
}

/** Switches between the two views of the call. The URL has the view. */
function Views({ summary, isBroken }: { summary: string; isBroken: boolean }) {
  const isJson = showsJson() || isBroken
  return (
    <div class="row views">
      <p class="muted">{summary}</p>
      <fieldset class="seg" aria-label="Edit the call as">
        <button
          type="button"
          aria-pressed={!isJson}
          disabled={isBroken}
          title={isBroken ? 'Correct the JSON first' : undefined}
          onClick={() => setQuery({ as: undefined })}
        >
          Fields
        </button>
        <button type="button" aria-pressed={isJson} onClick={() => setQuery({ as: 'json' })}>
          JSON
        </button>
      </fieldset>
    </div>
  )
}

interface JsonViewProps {
  category: string
  action: string
  draft: Draft
  problem: string
  onChange: (draft: Draft) => void
}

function JsonView({ category, action, draft, problem, onChange }: JsonViewProps) {
  return (
    <>
      <div>
        <label for="query">
          Query of{' '}
          <code>
            POST /v1/{category}/{action}
          </code>
        </label>
        <input
          class="field mono"
          id="query"
          value={draft.query}
          spellcheck={false}
          autocomplete="off"
          onInput={({ currentTarget }) => onChange({ ...draft, query: currentTarget.value })}
        />
      </div>
      <div>
        <label for="body">Body</label>
        <textarea
          class="field mono"
          id="body"
          spellcheck={false}
          rows={Math.min(24, draft.body.split('\n').length + 1)}
          value={draft.body}
          aria-invalid={problem !== ''}
          aria-describedby={problem === '' ? undefined : 'body-problem'}
          onInput={({ currentTarget }) => onChange({ ...draft, body: currentTarget.value })}
        />
        {problem !== '' && (
          <p class="small problem" id="body-problem">
            {problem}
          </p>
        )}
      </div>
    </>
  )
}
