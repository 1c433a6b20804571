import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { changeFaults, faultKinds } from './sandbox-data.ts'

/** The platform of the form. */
export const target = signal('github')

const durations: Record<string, string> = {
  'count:1': 'for the next request',
  'count:3': 'for the next 3 requests',
  'seconds:10': 'for 10 s',
  'seconds:60': 'for a minute',
  '': 'until switched off',
}

function submit(form: HTMLFormElement): void {
  const fields = new FormData(form)
  const text = (name: string) => String(fields.get(name) ?? '').trim()
  const [unit, amount] = text('duration').split(':')
  const match = { method: text('method'), path: text('path'), body: text('body') }
  const conditions = Object.entries(match).filter(([, value]) => value !== '')
  void changeFaults('POST', '', {
    target: text('target'),
    kind: text('kind'),
    ...(unit ? { [unit]: Number(amount) } : {}),
    ...(conditions.length > 0 ? { match: Object.fromEntries(conditions) } : {}),
    ...(fields.has('after') ? { after: true } : {}),
  })
}

/** Loses the response of a write that the platform has carried out. */
function loseNextResponse(): void {
  const match = { method: 'POST' }
  void changeFaults('POST', '', { target: target.value, kind: 'reset', count: 1, after: true, match })
}

/** The form for a new fault. */
export function FaultForm() {
  return (
    <section class="panel">
      <header class="wrap">
        <h2>New fault</h2>
        <span class="grow" />
        <button type="button" class="btn s" onClick={loseNextResponse}>
          Lose the response of the next write
        </button>
      </header>
      <form
        class="body faultform"
        aria-label="New fault"
        onSubmit={(event) => {
          event.preventDefault()
          submit(event.currentTarget)
        }}
      >
        <FaultFields />
        <MatchFields />
        <Labeled id="fault-duration" text="Duration">
          <select class="field" id="fault-duration" name="duration">
            {Object.entries(durations).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </Labeled>
        <div class="row wide">
          <label class="check">
            <input type="checkbox" name="after" />
            Run the request, break only its response
          </label>
          <span class="grow" />
          <button type="submit" class="btn primary">
            Add fault
          </button>
        </div>
      </form>
    </section>
  )
}

function FaultFields() {
  const { targets = [], kinds = [] } = faultKinds.value ?? {}
  return (
    <>
      <Labeled id="fault-target" text="Platform">
        <select
          class="field"
          id="fault-target"
          name="target"
          value={target.value}
          onChange={({ currentTarget }) => {
            target.value = currentTarget.value
          }}
        >
          {targets.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </Labeled>
      <Labeled id="fault-kind" text="Fault" isWide>
        <select class="field" id="fault-kind" name="kind">
          {kinds.map(({ kind, text }) => (
            <option key={kind} value={kind}>
              {kind}: {text}
            </option>
          ))}
        </select>
      </Labeled>
    </>
  )
}

/** Which requests fail. */
function MatchFields() {
  return (
    <>
      <Labeled id="fault-method" text="Method">
        <select class="field" id="fault-method" name="method">
          <option value="">any</option>
          {['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method) => (
            <option key={method}>{method}</option>
          ))}
        </select>
      </Labeled>
      <Labeled id="fault-path" text="Path contains">
        <input class="field mono" id="fault-path" name="path" placeholder="any path" autocomplete="off" />
      </Labeled>
      <Labeled id="fault-body" text="Body contains">
        <input class="field mono" id="fault-body" name="body" placeholder="a GraphQL operation" autocomplete="off" />
      </Labeled>
    </>
  )
}

interface LabeledProps {
  id: string
  text: string
  isWide?: boolean
  children: ComponentChildren
}

function Labeled({ id, text, isWide = false, children }: LabeledProps) {
  return (
    <div class={`labeled${isWide ? ' wide' : ''}`}>
      <label for={id}>{text}</label>
      {children}
    </div>
  )
}
