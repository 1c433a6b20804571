import { effect, signal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { StopView, StopViews } from '../stop-views.ts'
import { get, messageOf, send } from './api.ts'
import { clock } from './format.ts'
import { listen, now } from './live.ts'
import { isReadOnly, stack } from './stack.ts'

const stops = signal<StopView[]>([])
/** Why they cannot be read. */
const problem = signal<string | undefined>(undefined)
/** The stop that the user is asked about, before it is lifted. */
const asked = signal<string | undefined>(undefined)
/** An operation runs: it must not be sent twice. */
const isBusy = signal(false)

async function read(): Promise<void> {
  try {
    const views = await get<StopViews>('/console/stops')
    stops.value = views.stops
    problem.value = views.problem
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** Reads the stops now, and after each change. */
export function watchStops(): void {
  listen('ready', () => void read())
  listen('stops', () => void read())
  // Each bar takes the place of a row: the page scrolls below them.
  effect(() =>
    document.documentElement.style.setProperty('--stopcount', String(stops.value.length + (problem.value ? 1 : 0))),
  )
}

async function operate(path: string, body?: object): Promise<void> {
  if (isBusy.value) return
  isBusy.value = true
  try {
    await send('POST', `/console/stops${path}`, body)
    asked.value = undefined
  } finally {
    isBusy.value = false
    await read()
  }
}

/** Where the page acts, if that is a stack. */
const where = stack ? ` on ${stack.name}` : ''

/** A bar for each stop in force, in each view. */
export function StopBars() {
  return (
    <section aria-label="Stops" class="stopbars">
      {stops.value.map((stop) => (
        <StopBar key={stop.id} {...stop} />
      ))}
      {problem.value !== undefined && (
        <p class="stopbar" role="status">
          <span class="what">The stops cannot be read: {problem.value}</span>
        </p>
      )}
    </section>
  )
}

function StopBar({ id, scope, by, at, until, reason }: StopView) {
  const what = `${scope === 'everything' ? 'Everything' : scope} is stopped by ${by}`
  const since = `since ${timeOf(at)}${until === undefined ? '' : `, until ${timeOf(until)}`}`
  const text = `${what}${at === 0 ? '' : `, ${since}`}: ${reason}`
  return (
    <div class="stopbar" role="alert">
      <span class="what" title={text}>
        {asked.value === id ? `Resume${where}? What waits starts within a minute.` : text}
      </span>
      {asked.value === id ? (
        <>
          <button type="button" class="btn s" disabled={isBusy.value} onClick={() => void resume(id)}>
            Resume{where}
          </button>
          <button type="button" class="btn s" onClick={() => ask(undefined)}>
            Not now
          </button>
        </>
      ) : (
        !isReadOnly && (
          <button type="button" class="btn s" onClick={() => ask(id)}>
            Resume
          </button>
        )
      )}
    </div>
  )
}

function ask(id: string | undefined): void {
  asked.value = id
}

async function resume(id: string): Promise<void> {
  try {
    await operate(`/${encodeURIComponent(id)}/resume`)
  } catch (error) {
    problem.value = messageOf(error)
  }
}

/** The time of today, or with its day. */
function timeOf(at: number): string {
  const isToday = new Date(at).toDateString() === new Date(now.value).toDateString()
  return isToday ? clock(at) : `${new Date(at).toLocaleDateString()} ${clock(at)}`
}

/** The conditions of a stop in its form, with the text of each field and an example. */
const CONDITIONS = [
  ['actions', 'Only these actions', 'ci-cd/* feature-flags/set-flag'],
  ['except', 'But not these', 'remediation/*'],
  ['connections', 'Only on these connections', 'prod-*'],
] as const

/** Returns the conditions of a form: names between spaces or commas. */
function conditionsIn(form: FormData): Record<string, string[]> {
  const conditions = CONDITIONS.map(([name]) => [name, String(form.get(name)).match(/[^\s,]+/g) ?? []] as const)
  return Object.fromEntries(conditions.filter(([, names]) => names.length > 0))
}

/** The button that stops everything or a part. */
export function StopButton() {
  const isOpen = useSignal(false)
  if (isReadOnly) return null
  return (
    <>
      <button
        type="button"
        class="btn quiet danger"
        onClick={() => {
          isOpen.value = true
        }}
      >
        Stop
      </button>
      {isOpen.value && (
        <StopDialog
          onClose={() => {
            isOpen.value = false
          }}
        />
      )}
    </>
  )
}

function StopDialog({ onClose }: { onClose(): void }) {
  const box = useRef<HTMLDialogElement>(null)
  const failure = useSignal<string | undefined>(undefined)
  const isLimited = useSignal(false)
  const title = isLimited.value ? 'Stop these actions' : 'Stop everything'
  useEffect(() => box.current?.showModal(), [])
  async function submit(event: SubmitEvent & { currentTarget: HTMLFormElement }): Promise<void> {
    event.preventDefault()
    failure.value = undefined
    try {
      const fields = new FormData(event.currentTarget)
      await operate('', { reason: fields.get('reason'), ...conditionsIn(fields) })
      box.current?.close()
    } catch (error) {
      failure.value = messageOf(error)
    }
  }
  return (
    <dialog ref={box} aria-labelledby="stop-title" class="stopdialog" onClose={onClose}>
      <form
        onSubmit={(event) => void submit(event)}
        onInput={({ currentTarget }) => {
          isLimited.value = Object.keys(conditionsIn(new FormData(currentTarget))).length > 0
        }}
      >
        <h2 id="stop-title">
          {title}
          {where}
        </h2>
        <p>
          Within 5 seconds, {isLimited.value ? 'none of these actions starts' : 'nothing that changes something starts'}
          , not even in a task that waits. Jobs that run continue, and so do cancellations, answers, and actions that
          only read, ask people or stop something.
        </p>
        <label>
          Reason, for everyone whose call waits
          <input class="field" name="reason" required maxLength={500} pattern=".*\S.*" autocomplete="off" />
        </label>
        {CONDITIONS.map(([name, label, example]) => (
          <label key={name}>
            {label}
            <input class="field" name={name} placeholder={example} autocomplete="off" spellcheck={false} />
          </label>
        ))}
        {failure.value !== undefined && (
          <p class="note fail" role="alert">
            {failure.value}
          </p>
        )}
        <p class="row">
          <button type="submit" class="btn danger" disabled={isBusy.value}>
            {isBusy.value ? 'Stopping ...' : `${title}${where}`}
          </button>
          <button type="button" class="btn" onClick={() => box.current?.close()}>
            Cancel
          </button>
        </p>
        <p class="muted">
          <code>npx webhooks stop</code> can also stop the actions of some callers, and cancel tasks.
        </p>
      </form>
    </dialog>
  )
}
