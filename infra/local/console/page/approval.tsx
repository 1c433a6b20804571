import type { Approval } from '../call-summary.ts'
import type { CallDetail } from '../call-view.ts'
import { distance, time } from './format.ts'
import { Icon } from './icons.tsx'
import { now } from './live.ts'
import { stack } from './stack.ts'

type WaitingCall = Pick<CallDetail, 'approval' | 'platform' | 'provider' | 'engine' | 'answer' | 'deadlineAt'>

/** Whether the message is in the chat of the sandbox, which is a page of this console. */
function isInChat({ messageUrl = '' }: Approval): boolean {
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
export function ApprovalPanels({ call, approval }: { call: WaitingCall; approval: Approval }) {
  return (
    <div class="cols half">
      <section class="panel">
        <header>
          <h3>Who may decide</h3>
          <span class="muted">one decision is enough</span>
        </header>
        <div class="body">
          <ul class="people">
            {(approval.approvers ?? ['Everybody who gets the message']).map((name) => (
              <li key={name}>{name}</li>
            ))}
            {approval.excluded !== undefined && (
              <li>
                {approval.excluded}
                <span class="muted">requested it, so cannot decide</span>
              </li>
            )}
          </ul>
          <p class="muted">{placeOf(call, approval)}</p>
        </div>
      </section>
      <Next call={call} approval={approval} />
    </div>
  )
}

/** Says where people decide. The link to the approval page is a secret, so it is not shown. */
function placeOf({ platform, provider }: WaitingCall, { channel, messageUrl }: Approval): string {
  const sent = `The request was sent${channel === undefined ? '' : ` to ${channel}`} by ${platform || provider}.`
  return messageUrl === undefined ? `${sent} Only that message leads to the decision.` : sent
}

function Next({
  call: { answer, engine, deadlineAt },
  approval: { reminderAt },
}: {
  call: WaitingCall
  approval: Approval
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
        <div>
          <dt>Approve</dt>
          <dd>
            <span class="v pass">
              <Icon name="pass" />
            </span>{' '}
            {receiver} gets <b>pass</b>
          </dd>
        </div>
        <div>
          <dt>Reject</dt>
          <dd>
            <span class="v fail">
              <Icon name="fail" />
            </span>{' '}
            {receiver} gets <b>fail</b>
          </dd>
        </div>
      </dl>
    </section>
  )
}
