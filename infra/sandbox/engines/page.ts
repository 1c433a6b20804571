import { escapeHtml } from '../../../shared/text/escape-html.ts'
import { clockTime } from '../clock-time.ts'
import type { FaultKind, Faults } from '../platforms/sandbox/faults.ts'
import { type FakeCall, type FakeReply, json, type Platform, type Target } from '../platforms/sandbox/http.ts'
import { page } from '../platforms/sandbox/page.ts'
import type { Engine } from './engine.ts'
import { engines, targetOf } from './index.ts'
import type { EngineMessage, EngineRun, EngineRuns } from './runs.ts'

const MAX_RUNS = 10

/** The faults with a button. Only an engine with an API responds to answers. */
const BUTTONS: readonly { kind: FaultKind; label: string; isOfApi?: true }[] = [
  { kind: 'call-twice', label: 'Calls twice' },
  { kind: 'restart', label: 'Restarts' },
  { kind: '500', label: 'Responds with 500', isOfApi: true },
  { kind: 'reset', label: 'Resets the connection', isOfApi: true },
  { kind: 'hang', label: 'Never responds', isOfApi: true },
]
const GIVE_UP = 'give-up'
const MAX_BODY = 500

const style = `
  button.on { border-color: var(--fail); color: var(--fail) } details { margin: 8px 0 } pre { margin: 8px 0 }`

/** Returns the page of the engines: their runs, with every request and response, and the switches of their faults. */
export function createEnginesPage(runs: EngineRuns, faults: Faults): Platform {
  return {
    unlisted: true,
    error: (status, message) => json(status, { message }),
    answer: () => json(404, { message: `Not found. Engines: ${engines.map(({ name }) => name).join(', ')}.` }),
    page: ({ path }) => (path === '/' ? enginesPage(runs, faults) : undefined),
    actions: { '/': async (call) => press(runs, faults, call) },
  }
}

/** Switches a fault on, or off if it is active, or stops all runs that wait. */
function press(runs: EngineRuns, faults: Faults, { body }: FakeCall): FakeReply {
  const form = new URLSearchParams(body)
  const engine = engines.find(({ name }) => name === form.get('engine'))
  const pressed = form.get('kind')
  const kind = BUTTONS.find((button) => button.kind === pressed)?.kind
  if (!engine || (!kind && pressed !== GIVE_UP))
    return page(400, 'Error', '<h1>Unknown engine or fault</h1>\n<p><a href="/sandbox/engines">Back</a></p>')
  if (kind) switchFault(faults, targetOf(engine), kind)
  else for (const run of runs.list(engine.name)) runs.giveUp(run.id)
  return { status: 303, headers: { location: `/sandbox/engines#${engine.name}` } }
}

function switchFault(faults: Faults, target: Target, kind: FaultKind): void {
  const active = faults.list().filter((fault) => fault.target === target && fault.kind === kind)
  for (const { id } of active) faults.remove({ id })
  if (active.length === 0) faults.add({ target, kind })
}

function enginesPage(runs: EngineRuns, faults: Faults): FakeReply {
  const sections = engines.map((engine) => engineHtml(engine, runs, faults))
  return page(
    200,
    'Orchestrators',
    `<small>Other orchestrators in the sandbox</small>
<h1>Orchestrators</h1>
<p>Each of them calls the webhooks, and gets the results, through its own API.</p>
${sections.join('\n')}`,
    style,
  )
}

function engineHtml(engine: Engine, runs: EngineRuns, faults: Faults): string {
  const { name, title, summary, platform } = engine
  const active = faults.list().filter(({ target }) => target === targetOf(engine))
  const buttons = BUTTONS.filter(({ isOfApi }) => platform || !isOfApi).map(({ kind, label }) => {
    const isOn = active.some((fault) => fault.kind === kind)
    return `<button name="kind" value="${kind}"${isOn ? ' class="on"' : ''} aria-pressed="${isOn}">${label}</button>`
  })
  if (platform) buttons.push(`<button name="kind" value="${GIVE_UP}">Stops waiting</button>`)
  const newest = runs.list(name).slice(0, MAX_RUNS)
  return `<h2 id="${name}">${escapeHtml(title)}</h2>
<p>${escapeHtml(summary)}</p>
<form method="post" action="/sandbox/engines"><input type="hidden" name="engine" value="${name}">
${buttons.join('\n')}
</form>
${newest.map((run) => runHtml(run, runs.messages(run.id))).join('\n') || '<p>No runs yet.</p>'}
<pre>npx webhooks sequence release --orchestrator ${name}</pre>`
}

function runHtml({ step, startedAt, ending, isGone, contradictions }: EngineRun, messages: EngineMessage[]): string {
  const state = ending ? `${ending.verdict}: ${ending.message}` : isGone ? 'gave up' : 'waits'
  const warning = contradictions > 0 ? ` (${contradictions} answers differ)` : ''
  const lines = messages.map(({ at, direction, what, status, body }) =>
    [
      clockTime(Date.parse(at)),
      direction === 'call' ? '->' : '<-',
      what,
      status === 0 ? 'no response' : status,
      body.slice(0, MAX_BODY),
    ]
      .join('  ')
      .trim(),
  )
  return `<details><summary>${escapeHtml(`${startedAt.slice(0, 19).replace('T', ' ')} UTC · ${step.name} · ${state}${warning}`)}</summary>
<pre>${escapeHtml(lines.join('\n'))}</pre></details>`
}
