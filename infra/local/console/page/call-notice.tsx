import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { CallDetail } from '../call-view.ts'
import type { CallAction } from '../routes.ts'
import { messageOf, send } from './api.ts'
import { linkToCall } from './call-link.ts'
import { openCall } from './open-call.ts'
import { go } from './route.ts'
import { stack } from './stack.ts'

/** What a user can do with the task of a call, locally and on a stack. */
export type TaskAction = 'rerun' | 'cancel' | 'answer'

/** The result of the latest action, or the question before it. */
const notice = signal<{ operation: CallAction; text: ComponentChildren; isBad: boolean } | undefined>(undefined)
const question = signal<TaskAction | undefined>(undefined)
/** The action that runs: it must not be sent twice. */
export const acting = signal<CallAction | undefined>(undefined)

/** Forgets the result of an action, and the question before it. */
export function clearNotice(): void {
  notice.value = undefined
  question.value = undefined
}

/** Runs an action of the open call. */
export async function act(operation: CallAction): Promise<void> {
  const call = openCall.value
  if (!call || acting.value !== undefined) return
  clearNotice()
  acting.value = operation
  try {
    const { status, body, id } = await send<{ status: number; body: string; id?: string }>(
      'POST',
      `/console/calls/${encodeURIComponent(call.id)}/${operation}`,
    )
    // Another call may have been opened meanwhile.
    if (openCall.value?.id !== call.id) return
    if (operation === 'rerun' && id !== undefined && !stack) return go(linkToCall(id))
    const { detail, message } = JSON.parse(body === '' ? '{}' : body) as { detail?: string; message?: string }
    const isBad = status >= 400
    notice.value = {
      operation,
      text: isBad ? (detail ?? message ?? `Status ${status}`) : doneText(operation, id),
      isBad,
    }
  } catch (error) {
    if (openCall.value?.id === call.id) notice.value = { operation, text: messageOf(error), isBad: true }
  } finally {
    acting.value = undefined
  }
}

/** @param id the id of the new call, which repeats the one that is shown */
function doneText(operation: CallAction, id: string | undefined): ComponentChildren {
  switch (operation) {
    case 'rerun':
      return id === undefined ? (
        'The call is being run again.'
      ) : (
        <>
          The task is being run again, as call <a href={linkToCall(id)}>{id.slice(0, 8)}</a>.
        </>
      )
    case 'cancel':
      return stack
        ? 'The request to cancel is saved. The task ends when it reads the request, before its next poll or attempt.'
        : 'The call is being canceled.'
    case 'answer':
      return 'The answer is being sent again.'
    case 'try':
      return 'The next attempt starts.'
  }
}

/** Asks before it runs an action. */
export function ask(operation: TaskAction): void {
  notice.value = undefined
  question.value = operation
}

/** Withdraws the question. Returns whether there was one. */
export function withdrawQuestion(): boolean {
  const wasAsked = question.value !== undefined
  question.value = undefined
  return wasAsked
}

const confirmations: Record<TaskAction, string> = { rerun: 'Run again', cancel: 'Cancel call', answer: 'Answer again' }

/** Says what an action does, and where. */
function questionOf({ action, platform, provider, engine }: CallDetail, operation: TaskAction): string {
  const where = platform || provider || 'its platform'
  const receiver = engine || 'the caller'
  switch (operation) {
    case 'rerun':
      return `Run ${action} again? It acts at ${where} once more, as a new call.${stack ? ' Its result is not sent: read it here.' : ''}`
    case 'cancel':
      return `Cancel ${stack ? action : 'this call'}? Its job at ${where} is stopped if it can be, and ${receiver} gets aborted.`
    case 'answer':
      return `Send the stored result of ${action} to ${receiver} again? ${receiver} gets the same answer as before, with the same id.`
  }
}

/** The question before an action, and its result. In place, so that it stays next to its button. */
export function Notice({ call }: { call: CallDetail }) {
  const pending = question.value
  if (pending !== undefined) {
    return (
      <div class="note warning row confirm" role="alertdialog" aria-label="Confirm">
        <span class="grow">
          {questionOf(call, pending)}
          {stack && (
            <>
              {' '}
              This is the stack <b>{stack.name}</b> in account {stack.account}, {stack.region}.
            </>
          )}
        </span>
        <button type="button" class={`btn ${pending === 'cancel' ? 'danger' : ''}`} onClick={() => void act(pending)}>
          {confirmations[pending]}
          {stack && ` on ${stack.name}`}
        </button>
        <button type="button" class="btn" onClick={withdrawQuestion}>
          {pending === 'cancel' ? 'Keep it' : 'Not now'}
        </button>
      </div>
    )
  }
  const { operation, text, isBad = false } = notice.value ?? {}
  // The header shows that it is canceled.
  if (text === undefined || (operation === 'cancel' && !isBad && call.endedAt !== undefined)) return null
  return (
    <p class={`note ${isBad ? 'fail' : 'running'}`} role="status">
      {text}
    </p>
  )
}
