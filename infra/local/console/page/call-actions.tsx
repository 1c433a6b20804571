import { signal } from '@preact/signals'
import type { CallDetail } from '../call-view.ts'
import type { CallAction } from '../routes.ts'
import { messageOf, send } from './api.ts'
import { DecideLink } from './approval.tsx'
import { linkToCall } from './call-link.ts'
import { copy, curlOf } from './copy.ts'
import { openCall } from './open-call.ts'
import { go, linkTo } from './route.ts'
import { stack, taskCommand } from './stack.ts'

/** The result of the latest action, or the question before it. */
const notice = signal<{ text: string; isBad: boolean } | undefined>(undefined)
const question = signal<'rerun' | 'cancel' | undefined>(undefined)

/** Forgets the result of an action, and the question before it. */
export function clearNotice(): void {
  notice.value = undefined
  question.value = undefined
}

async function act(what: CallAction): Promise<void> {
  const call = openCall.value
  if (!call) return
  question.value = undefined
  try {
    const { status, body, id } = await send<{ status: number; body: string; id?: string }>(
      'POST',
      `/console/calls/${encodeURIComponent(call.id)}/${what}`,
    )
    if (what === 'rerun' && id !== undefined) return go(linkToCall(id))
    const { detail, message } = JSON.parse(body === '' ? '{}' : body) as { detail?: string; message?: string }
    notice.value = { text: status < 400 ? done[what] : (detail ?? message ?? `Status ${status}`), isBad: status >= 400 }
  } catch (error) {
    notice.value = { text: messageOf(error), isBad: true }
  }
}

const done: Record<CallAction, string> = {
  rerun: 'The call is being run again.',
  cancel: 'The call is being canceled.',
  answer: 'The answer is being sent again.',
  try: 'The next attempt starts.',
}

/** Asks before it runs the open call again, because that acts at a real platform. */
export function askToRerun(): void {
  if (stack) copyCommand('rerun')
  else if (openCall.value) question.value = 'rerun'
}

/** Withdraws the question. Returns whether there was one. */
export function withdrawQuestion(): boolean {
  const wasAsked = question.value !== undefined
  question.value = undefined
  return wasAsked
}

/** Opens Send with the request of the open call. */
export function editAndRerun(): void {
  const call = openCall.value
  if (call && !stack) go(linkTo(['send', call.category, call.action.split(' ', 1)[0] ?? ''], { from: call.id }))
}

export function copyAsCurl(): void {
  const request = openCall.value?.requests[0]
  if (!request) return
  copy(curlOf({ ...request, type: request.headers['content-type'] }))
}

/** Copies the requests to platforms and their responses, for the test of a provider. */
function copyAsFixture(): void {
  const exchanges = openCall.value?.outgoing.map(({ platform, method, path, status, exchange }) => ({
    platform,
    request: { method, path: `${path ?? ''}${exchange?.query ?? ''}`, body: parsed(exchange?.body) },
    response: { status, body: parsed(exchange?.responseBody) },
  }))
  copy(JSON.stringify(exchanges, null, 2))
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return text === '' ? undefined : text
  }
}

function exportJson(): void {
  const call = openCall.value
  if (!call) return
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([JSON.stringify(call, null, 2)], { type: 'application/json' }))
  link.download = `call-${call.id.slice(0, 8)}.json`
  link.click()
  URL.revokeObjectURL(link.href)
}

export function Actions({ call }: { call: CallDetail }) {
  const hasRequests = call.requests.length > 0
  return (
    <div class="row hscroll actions">
      {call.verdict === 'waiting' && <DecideLink call={call} />}
      {stack ? <Commands call={call} /> : <RuntimeActions call={call} />}
      <span class="grow" />
      {hasRequests && (
        <button type="button" class="btn quiet" onClick={copyAsCurl}>
          Copy as curl
        </button>
      )}
      <button type="button" class="btn quiet" onClick={() => copy(call.id)}>
        Copy id
      </button>
      {!stack && (
        <button type="button" class="btn quiet" onClick={copyAsFixture}>
          Copy as fixture
        </button>
      )}
      <button type="button" class="btn quiet" onClick={exportJson}>
        Export
      </button>
    </div>
  )
}

/** Copies a command that does something with the open task of a stack, if it can be done. */
function copyCommand(what: 'rerun' | 'cancel' | 'answer'): void {
  const call = openCall.value
  if (call && reasonAgainst(call, what) === undefined) copy(taskCommand(call, what))
}

const commandTitles = { rerun: 'Copy re-run command', cancel: 'Copy cancel command', answer: 'Copy answer command' }

/** The commands that take the place of the actions for a deployed stack. */
function Commands({ call }: { call: CallDetail }) {
  return (Object.keys(commandTitles) as (keyof typeof commandTitles)[]).map((what) => {
    const reason = reasonAgainst(call, what)
    return (
      <button
        key={what}
        type="button"
        class="btn"
        disabled={reason !== undefined}
        title={reason}
        onClick={() => copyCommand(what)}
      >
        {commandTitles[what]}
      </button>
    )
  })
}

/** Returns why something cannot be done with a call. */
function reasonAgainst(
  { mode, endedAt, verdict, answer }: CallDetail,
  what: 'rerun' | 'cancel' | 'answer',
): string | undefined {
  const isTask = mode !== 'silent'
  const isRunning = endedAt === undefined
  if (what === 'cancel') return isTask && isRunning ? undefined : 'Only a running interactive call can be canceled'
  if (what === 'answer' && isTask && answer === 'none') return 'No orchestrator gets the result: the caller reads it'
  if (what === 'answer') return isTask && !isRunning ? undefined : 'Only an ended interactive call has an answer'
  if (!isTask || isRunning) return 'Only an ended interactive call can be run again'
  return verdict === 'pass' || verdict === 'warning' ? 'This call has passed' : undefined
}

/** The wait of a call can be skipped. Any other call can be run again. */
function FirstAction({ call: { verdict } }: { call: CallDetail }) {
  const isRetrying = verdict === 'retrying'
  return (
    <button
      type="button"
      class={verdict === 'running' ? 'btn' : 'btn primary'}
      onClick={isRetrying ? () => void act('try') : askToRerun}
    >
      {isRetrying ? 'Try now' : 'Re-run'}
    </button>
  )
}

function RuntimeActions({ call }: { call: CallDetail }) {
  const cancelReason = reasonAgainst(call, 'cancel')
  const answerReason = reasonAgainst(call, 'answer')
  return (
    <>
      {call.verdict !== 'waiting' && <FirstAction call={call} />}
      <button type="button" class="btn" onClick={editAndRerun}>
        Edit and re-run
      </button>
      <button
        type="button"
        class="btn danger"
        disabled={cancelReason !== undefined}
        title={cancelReason}
        onClick={() => {
          question.value = 'cancel'
        }}
      >
        Cancel call
      </button>
      <button
        type="button"
        class="btn"
        disabled={answerReason !== undefined}
        title={answerReason}
        onClick={() => void act('answer')}
      >
        Answer again
      </button>
    </>
  )
}

/** The question before an action, and its result. In place, so that it stays next to its button. */
export function Notice({ call }: { call: CallDetail }) {
  const asked = question.value
  if (asked !== undefined) {
    const where = call.platform || call.provider || 'its platform'
    const text =
      asked === 'rerun'
        ? `Run ${call.action} again? It acts at ${where} once more, as a new call.`
        : `Cancel this call? Its job at ${where} is stopped if it can be, and ${call.engine || 'the caller'} gets aborted.`
    return (
      <div class="note warning row" role="alertdialog" aria-label="Confirm">
        <span class="grow">{text}</span>
        <button type="button" class="btn" onClick={() => void act(asked)}>
          {asked === 'rerun' ? 'Run again' : 'Cancel call'}
        </button>
        <button type="button" class="btn" onClick={withdrawQuestion}>
          Keep it
        </button>
      </div>
    )
  }
  return notice.value ? (
    <p class={`note ${notice.value.isBad ? 'fail' : 'running'}`} role="status">
      {notice.value.text}
    </p>
  ) : null
}
