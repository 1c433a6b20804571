import type { ComponentChildren } from 'preact'
import type { CallDetail } from '../call-view.ts'
import { DecideLink, questionsOf } from './approval.tsx'
import { act, acting, ask, type TaskAction } from './call-notice.tsx'
import { copy, curlOf } from './copy.ts'
import { openCall } from './open-call.ts'
import { go, linkTo } from './route.ts'
import { isReadOnly, stack, taskCommand } from './stack.ts'

/** Asks before it runs the open call again, because that acts at a real platform. */
export function askToRerun(): void {
  const call = openCall.value
  if (isReadOnly) copyCommand('rerun')
  else if (call && (!stack || reasonAgainst(call, 'rerun') === undefined)) ask('rerun')
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
      {isReadOnly ? <Commands call={call} /> : <TaskActions call={call} />}
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
function copyCommand(operation: TaskAction): void {
  const call = openCall.value
  if (call && reasonAgainst(call, operation) === undefined) copy(taskCommand(call, operation))
}

const commandTitles: Record<TaskAction, string> = {
  rerun: 'Copy re-run command',
  cancel: 'Copy cancel command',
  answer: 'Copy answer command',
}

/** The commands that take the place of the actions if the page is read-only. */
function Commands({ call }: { call: CallDetail }) {
  return (Object.keys(commandTitles) as TaskAction[]).map((operation) => (
    <ActionButton key={operation} reason={reasonAgainst(call, operation)} onClick={() => copyCommand(operation)}>
      {commandTitles[operation]}
    </ActionButton>
  ))
}

interface ActionButtonProps {
  look?: 'danger' | 'primary' | undefined
  /** Why it is disabled. */
  reason?: string | undefined
  onClick: () => void
  children: ComponentChildren
}

/** A button that keeps its place: it is disabled with a reason. */
function ActionButton({ look, reason, onClick, children }: ActionButtonProps) {
  const isDisabled = reason !== undefined || acting.value !== undefined
  return (
    <button type="button" class={`btn ${look ?? ''}`} disabled={isDisabled} title={reason} onClick={onClick}>
      {children}
    </button>
  )
}

/** Returns why something cannot be done with a call. */
function reasonAgainst({ mode, endedAt, verdict, answer }: CallDetail, operation: TaskAction): string | undefined {
  const isTask = mode !== 'silent'
  const isRunning = endedAt === undefined
  if (operation === 'cancel') return isTask && isRunning ? undefined : 'Only a running interactive call can be canceled'
  if (operation === 'answer' && isTask && answer === 'none')
    return 'No orchestrator gets the result: the caller reads it'
  if (operation === 'answer') return isTask && !isRunning ? undefined : 'Only an ended interactive call has an answer'
  if (!isTask || isRunning) return 'Only an ended interactive call can be run again'
  return verdict === 'pass' || verdict === 'warning' ? 'This call has passed' : undefined
}

function TaskActions({ call }: { call: CallDetail }) {
  return (
    <>
      {stack ? (
        <ActionButton look={rerunLook(call)} reason={reasonAgainst(call, 'rerun')} onClick={() => ask('rerun')}>
          Re-run
        </ActionButton>
      ) : (
        <RuntimeActions call={call} />
      )}
      <ActionButton look="danger" reason={reasonAgainst(call, 'cancel')} onClick={() => ask('cancel')}>
        Cancel call
      </ActionButton>
      <ActionButton reason={reasonAgainst(call, 'answer')} onClick={() => (stack ? ask('answer') : void act('answer'))}>
        Answer again
      </ActionButton>
    </>
  )
}

function rerunLook({ verdict }: CallDetail): 'primary' | undefined {
  return verdict === 'running' ? undefined : 'primary'
}

/** What can be done with a call of the local runtime only: its wait can be skipped, and any call can be run again. */
function RuntimeActions({ call }: { call: CallDetail }) {
  const questions = questionsOf(call)
  return (
    <>
      {call.verdict === 'retrying' && (
        <ActionButton look="primary" onClick={() => void act('try')}>
          Try now
        </ActionButton>
      )}
      {!['retrying', 'waiting', 'asking'].includes(call.verdict) && (
        <ActionButton look={rerunLook(call)} onClick={() => ask('rerun')}>
          Re-run
        </ActionButton>
      )}
      {questions.map((asked) => (
        <DecideLink key={asked.id} call={asked} />
      ))}
      <ActionButton onClick={editAndRerun}>Edit and re-run</ActionButton>
    </>
  )
}
