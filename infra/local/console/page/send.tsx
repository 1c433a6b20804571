import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { ActionView, ExampleView } from '../action-views.ts'
import type { CallDetail } from '../call-view.ts'
import { get, messageOf, send } from './api.ts'
import { linkToCall } from './call-link.ts'
import { Code } from './code.tsx'
import { copy, curlOf } from './copy.ts'
import { pretty } from './format.ts'
import { listen, throttle } from './live.ts'
import { linkTo, route } from './route.ts'
import { Status } from './verdict.tsx'

const actions = signal<ActionView[]>([])
const problem = signal('')

async function read(): Promise<void> {
  try {
    actions.value = await get<ActionView[]>('/console/actions')
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** Sends an example, or the request of an earlier call. */
export function Send() {
  const { parts, query } = route.value
  const [category, action] = parts
  useEffect(() => {
    void read()
    // An example may need the result of another call.
    return listen(
      'calls',
      throttle(() => void read(), 1_000),
    )
  }, [])
  const found = actions.value.find((one) => one.category === category && one.action === action)
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Send</h1>
        <span class="muted">Calls a webhook as an orchestrator does.</span>
      </div>
      {problem.value !== '' && (
        <p class="note fail" role="alert">
          {problem.value}
        </p>
      )}
      <div class={`cols send${found ? ' chosen' : ''}`}>
        <Picker category={category} action={action} />
        {found ? (
          <Action key={`${category}/${action}/${parts[2] ?? ''}/${query.get('from') ?? ''}`} view={found} />
        ) : (
          <p class="note">Select an action. Its examples work with the sandbox.</p>
        )}
      </div>
    </div>
  )
}

function Picker({ category, action }: { category: string | undefined; action: string | undefined }) {
  return (
    <nav class="panel picker" aria-label="Actions">
      {[...Map.groupBy(actions.value, (one) => one.category)].map(([name, all]) => (
        <div key={name}>
          <h2>{name}</h2>
          <ul>
            {all.map((one) => (
              <li key={one.action}>
                <a
                  href={linkTo(['send', name, one.action])}
                  aria-current={one.action === action && name === category ? 'true' : undefined}
                >
                  {one.action}
                  {one.examples.length === 0 && <span class="small muted">no example</span>}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}

/** The request in the form. */
interface Draft {
  query: string
  body: string
}

function draftOf({ query, body }: Pick<ExampleView, 'query' | 'body'>): Draft {
  return { query, body: pretty(body) }
}

function Action({ view }: { view: ActionView }) {
  const { category, action, summary, examples } = view
  const { parts, query } = route.value
  const number = Number(parts[2] ?? '0')
  const example = examples[number]
  const from = query.get('from') ?? undefined
  const [draft, setDraft] = useState<Draft>(example ? draftOf(example) : { query: '', body: '{}' })
  const [origin, setOrigin] = useState('')
  useEffect(() => {
    if (from === undefined) return
    get<CallDetail>(`/console/calls/${encodeURIComponent(from)}`).then(
      ({ id, requests: [request] }) => {
        if (!request) return setOrigin(`The request of ${id.slice(0, 8)} is not stored.`)
        setDraft({ query: request.query, body: pretty(withNewIds(request.body)) })
        setOrigin(`The request of call ${id.slice(0, 8)}, with a new id.`)
      },
      (error) => setOrigin(messageOf(error)),
    )
  }, [from])
  return (
    <section class="panel">
      <header class="wrap">
        <h2>{action}</h2>
        <span class="muted">{summary}</span>
      </header>
      <div class="body stack">
        <a class="phone" href="#/send">
          All actions
        </a>
        {examples.length > 1 && (
          <ul class="choices">
            {examples.map((one, index) => (
              <li key={one.name}>
                <a
                  href={linkTo(['send', category, action, String(index)])}
                  aria-current={index === number && from === undefined ? 'true' : undefined}
                >
                  {one.name}
                </a>
              </li>
            ))}
          </ul>
        )}
        {examples.length === 1 && from === undefined && <p>{example?.name}</p>}
        {origin !== '' && <p class="note">{origin}</p>}
        {!example && from === undefined && (
          <p class="note">
            The sandbox has no platform for this action. Add a connection with <code>webhooks connect --local</code>.
          </p>
        )}
        {example?.needs !== undefined && from === undefined && (
          <p class="note warning">
            This example needs the result of <a href={linkTo(['send', category, example.needs])}>{example.needs}</a>.
            Send it first.
          </p>
        )}
        <Form view={view} draft={draft} onChange={setDraft} />
      </div>
    </section>
  )
}

function withNewIds(body: string): unknown {
  try {
    const parsed: unknown = JSON.parse(body)
    if (parsed === null || typeof parsed !== 'object' || !('id' in parsed)) return body
    return { ...parsed, id: crypto.randomUUID() }
  } catch {
    return body
  }
}

/** A dry run is a silent call. The other modes end with a result. */
function asDryRun(query: string): string {
  const changed = new URLSearchParams(query)
  for (const name of ['sendStarted', 'progress', 'answer', 'hold', 'invert']) changed.delete(name)
  changed.set('mode', 'silent')
  changed.set('dryRun', 'true')
  return String(changed)
}

interface FormProps {
  view: ActionView
  draft: Draft
  onChange: (draft: Draft) => void
}

function Form({ view: { category, action }, draft, onChange }: FormProps) {
  const [response, setResponse] = useState<{ status: number; body: string; id?: string } | undefined>()
  const [refusal, setRefusal] = useState('')
  const [isSending, setIsSending] = useState(false)
  const [keepsIds, setKeepsIds] = useState(false)
  const submit = async (query: string) => {
    setRefusal('')
    let body: unknown
    try {
      body = JSON.parse(draft.body)
    } catch (error) {
      setRefusal(`The body is not JSON: ${messageOf(error)}`)
      return
    }
    setIsSending(true)
    try {
      const path = `/console/actions/${encodeURIComponent(category)}/${encodeURIComponent(action)}`
      setResponse(await send('POST', path, { query, body }))
      if (!keepsIds) onChange({ ...draft, body: pretty(withNewIds(draft.body)) })
    } catch (error) {
      setRefusal(messageOf(error))
    }
    setIsSending(false)
  }
  const copyAsCurl = () => copy(curlOf({ ...draft, method: 'POST', path: `/v1/${category}/${action}` }))
  return (
    <>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          void submit(draft.query)
        }}
      >
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
            onInput={({ currentTarget }) => onChange({ ...draft, body: currentTarget.value })}
          />
        </div>
        <div class="row">
          <button type="submit" class="btn primary" disabled={isSending}>
            Send
          </button>
          <button type="button" class="btn" disabled={isSending} onClick={() => void submit(asDryRun(draft.query))}>
            Dry run
          </button>
          <button type="button" class="btn quiet" onClick={copyAsCurl}>
            Copy as curl
          </button>
          <label class="check">
            <input
              type="checkbox"
              checked={keepsIds}
              onChange={({ currentTarget }) => setKeepsIds(currentTarget.checked)}
            />
            Keep the ids, so that the next one is a duplicate
          </label>
        </div>
      </form>
      {refusal !== '' && (
        <p class="note fail" role="alert">
          {refusal}
        </p>
      )}
      {response && (
        <section role="status" aria-label="Response" class="stack">
          <h3>
            Response <Status of={response.status} />
          </h3>
          {response.id !== undefined && (
            <p>
              <a href={linkToCall(response.id)}>Open the call</a>
            </p>
          )}
          <Code label="Response">{response.body}</Code>
        </section>
      )}
    </>
  )
}
