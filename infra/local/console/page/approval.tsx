import type { ApprovalQuestion, CallSummary } from '../call-summary.ts'
import type { CallDetail } from '../call-view.ts'
import { linkToCall } from './call-link.ts'
import { distance, time } from './format.ts'
import { Icon } from './icons.tsx'
import { now } from './live.ts'
import { stack } from './stack.ts'

type WaitingCall = Pick<CallDetail, 'approval' | 'platform' | 'provider' | 'engine' | 'answer' | 'deadlineAt'>

/** Returns the open questions to people: that of a call, or those of the calls that ask for it. */
export function questionsOf(call: CallDetail): CallSummary[] {
  return call.approval ? [call] : (call.asking ?? [])
}

/** Whether the message is in the chat of the sandbox, which is a page of this console. */
function isInChat({ messageUrl = '' }: ApprovalQuestion): boolean {
  return !stack && messageUrl.startsWith(`${location.origin}/sandbox/slack/`)
}

/** Leads to the message in which people decide. Only the message contains the link to the approval page. */
export function DecideLink({ call: { approval } }: { call: WaitingCall }) {
  const { messageUrl = '' } = approval ?? {}
  if (approval && isInChat(approval)) {
    return (
      <a class="btn primary" href="#/sandbox/chat">
        Decide in the chat
      </a>
    )
  }
  if (!/^https?:/.test(messageUrl)) return null
  return (
    <a class="btn primary" href={messageUrl} target="_blank" rel="noreferrer">
      Open the message
    </a>
  )
}

/** Who may decide, and what happens then. */
export function ApprovalPanels({ call, approval }: { call: WaitingCall; approval: ApprovalQuestion }) {
  return (
    <div class="cols half">
      <section class="panel">
        <header>
          <h3>Who may decide</h3>
          <span class="muted">
            {approval.count === 1 ? 'one decision is enough' : `${approval.count} have to approve, one no ends it`}
          </span>
        </header>
        <div class="body">
          <ul class="people">
            {(approval.approvers ?? ['Everybody who gets the message']).map((name) => (
              <li key={name}>{name}</li>
            ))}
            {approval.excluded.map((name) => (
              <li key={name}>
                {name}
                <span class="muted">requested it, so cannot decide</span>
              </li>
            ))}
            {approval.votes.map((name) => (
              <li key={name}>
                {name}
                <span class="muted">has approved</span>
              </li>
            ))}
          </ul>
          <p class="muted">{placeOf(call, approval)}</p>
        </div>
      </section>
      <Next call={call} approval={approval} />
    </div>
  )
}

/** Says where people decide. The link to the approval page is a secret, so it is not shown. */
function placeOf({ platform, provider }: WaitingCall, { channel, messageUrl }: ApprovalQuestion): string {
  const sent = `The request was sent${channel === undefined ? '' : ` to ${channel}`} by ${platform || provider}.`
  return messageUrl === undefined ? `${sent} Only that message leads to the decision.` : sent
}

function Next({
  call: { answer, engine, deadlineAt },
  approval: { reminderAt, neededBy },
}: {
  call: WaitingCall
  approval: ApprovalQuestion
}) {
  const receiver = answer === 'none' ? 'The caller' : engine
  return (
    <section class="panel">
      <header>
        <h3>What happens next</h3>
      </header>
      <dl class="body steps">
        {reminderAt !== undefined && (
          <div>
            <dt>{time(reminderAt)}</dt>
            <dd>Reminder, if no one has decided</dd>
          </div>
        )}
        {deadlineAt !== undefined && (
          <div>
            <dt>{time(deadlineAt)}</dt>
            <dd>Deadline {distance(deadlineAt, now.value)}, then it counts as rejected</dd>
          </div>
        )}
        {neededBy ? (
          <div>
            <dt>Approve</dt>
            <dd>
              <a href={linkToCall(neededBy.id)}>The call of {neededBy.category}</a> may start its action
            </dd>
          </div>
        ) : (
          <>
            <Answer decision="Approve" receiver={receiver} result="pass" />
            <Answer decision="Reject" receiver={receiver} result="fail" />
          </>
        )}
      </dl>
    </section>
  )
}

function Answer({ decision, receiver, result }: { decision: string; receiver: string; result: 'pass' | 'fail' }) {
  return (
    <div>
      <dt>{decision}</dt>
      <dd>
        <span class={`v ${result}`}>
          <Icon name={result} />
        </span>{' '}
        {receiver} gets <b>{result}</b>
      </dd>
    </div>
  )
}
