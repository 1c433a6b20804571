import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import type { ActionView, ExampleView } from '../action-views.ts'
import type { CallDetail } from '../call-view.ts'
import { get, messageOf } from './api.ts'
import { readSchemas } from './api-schema.ts'
import { pretty } from './format.ts'
import { listen, throttle } from './live.ts'
import { go, linkTo, route } from './route.ts'
import { type Draft, withNewId, withOption } from './send-draft.ts'
import { SendForm } from './send-form.tsx'
import { Picker } from './send-picker.tsx'

const actions = signal<ActionView[]>([])
const problem = signal('')

async function read(): Promise<void> {
  try {
    const [all] = await Promise.all([get<ActionView[]>('/console/actions'), readSchemas()])
    actions.value = all
    problem.value = ''
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** Sends an example, or the request of an earlier call. */
export function Send() {
  const { parts, query } = route.value
  const [category, action, example = ''] = parts
  useEffect(() => {
    void read()
    // An example may need the result of another call.
    return listen(
      'calls',
      throttle(() => void read(), 1_000),
    )
  }, [])
  const found = actions.value.find((view) => view.category === category && view.action === action)
  const from = query.get('from') ?? ''
  const connection = query.get('connection') ?? ''
  const selected = found ?? firstCalls()[0]
  return (
    <div class="page">
      <div class="pagehead">
        <h1>Send a call</h1>
        <span class="muted">To {location.origin}, as an orchestrator does</span>
      </div>
      {problem.value !== '' && (
        <p class="note fail" role="alert">
          {problem.value}
        </p>
      )}
      <div class={`cols send${found ? ' chosen' : ''}`}>
        <Picker actions={actions.value} category={selected?.category} action={selected?.action} />
        {found ? <Action key={[category, action, example, from, connection].join('/')} view={found} /> : <First />}
      </div>
    </div>
  )
}

/** The calls that show the most, with a name for each. */
const FIRST_CALLS: Record<string, string> = {
  'issue-ticketing/open-issue': 'open an issue',
  'notification/ask-approval': 'ask people for approval',
  'load-testing/start-test': 'run a load test',
}

/** Returns the calls that the sandbox can run, the one to start with first. */
function firstCalls(): ActionView[] {
  return Object.keys(FIRST_CALLS).flatMap((path) =>
    actions.value.filter(({ category, action, examples }) => examples.length > 0 && `${category}/${action}` === path),
  )
}

/** Three examples, and on a desktop the form of the first one. */
function First() {
  const views = firstCalls()
  const [first] = views
  return (
    <div class="stack">
      <p class="note">
        Select an action. Its examples work with the sandbox
        {views.map(({ category, action }, index) => (
          <span key={action}>
            {index === 0 ? ': ' : ', '}
            <a href={linkTo(['send', category, action])}>{FIRST_CALLS[`${category}/${action}`]}</a>
          </span>
        ))}
        .
      </p>
      <div class="desk">{first && <Action view={first} />}</div>
    </div>
  )
}

function draftOf({ query, body }: Pick<ExampleView, 'query' | 'body'>): Draft {
  return { query, body: pretty(body) }
}

function Action({ view }: { view: ActionView }) {
  const { category, action, examples } = view
  const { parts, query } = route.value
  const number = Number(parts[2] ?? '0')
  const example = examples[number]
  const from = query.get('from')
  const connection = query.get('connection')
  const [draft, setDraft] = useState<Draft>(() => {
    const initial = example ? draftOf(example) : { query: '', body: '{}' }
    return connection === null ? initial : withOption(initial, 'connection', connection)
  })
  const [origin, setOrigin] = useState('')
  useEffect(() => {
    if (from === null) return
    get<CallDetail>(`/console/calls/${encodeURIComponent(from)}`).then(
      ({ id, requests: [request], jsonBody }) => {
        if (!request) return setOrigin(`The request of ${id.slice(0, 8)} is not stored.`)
        setDraft(withNewId({ query: request.query, body: pretty(jsonBody) }))
        setOrigin(`The request of call ${id.slice(0, 8)}, with a new id.`)
      },
      (error) => setOrigin(messageOf(error)),
    )
  }, [from])
  const usesExample = from === null
  return (
    <SendForm view={view} draft={draft} onChange={setDraft}>
      <header class="wrap">
        <h2>{action}</h2>
        <span class="muted nowrap">{category}</span>
        <span class="grow" />
        {examples.length > 0 && <ExampleSelect view={view} selected={usesExample ? String(number) : ''} />}
      </header>
      <div class="notes">
        <a class="phone" href="#/send">
          All actions
        </a>
        {origin !== '' && <p class="note">{origin}</p>}
        {!example && usesExample && (
          <p class="note">
            The sandbox has no platform for this action. Add a connection with <code>webhooks connect --local</code>.
          </p>
        )}
        {example?.needs !== undefined && usesExample && (
          <p class="note warning">
            This example needs the result of <a href={linkTo(['send', category, example.needs])}>{example.needs}</a>.
            Send it first.
          </p>
        )}
      </div>
    </SendForm>
  )
}

/** @param selected the number of the example, or an empty text for the request of an earlier call */
function ExampleSelect({ view: { category, action, examples }, selected }: { view: ActionView; selected: string }) {
  return (
    <select
      class="field example"
      aria-label="Example"
      value={selected}
      onChange={({ currentTarget }) => go(linkTo(['send', category, action, currentTarget.value]))}
    >
      {selected === '' && <option value="">Earlier call</option>}
      {examples.map((example, index) => (
        <option key={example.name} value={String(index)}>
          Example: {example.name}
        </option>
      ))}
    </select>
  )
}
