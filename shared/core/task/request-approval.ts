import { CallbackTimeoutError, type DurableContext } from '@aws/durable-execution-sdk-js'
import { type Decision, decisionSchema } from '../../approvals/decision.ts'
import { Failure, isTransient, kindOf, messageOf, toSentence } from '../../errors.ts'
import { log } from '../../log.ts'
import { errored, type Outcome } from '../../outcome.ts'
import type { StartedJob } from '../../providers/action.ts'
import type { Category } from '../../providers/category.ts'
import { redact, redactDeep } from '../../redact.ts'
import { backoffSeconds } from '../backoff.ts'
import { type ActionRequest, withSignedLink } from '../run-action.ts'
import type { Deadline } from './poll.ts'
import { startJob } from './start-job.ts'

/** What one try to tell people more may take, in milliseconds, and how many there are: the decision does not depend on it. */
const timeToTell = 20_000
const mostTries = 5

/**
 * Asks people, reminds them, and waits for what they decide, for days. A decision completes the callback of the task, once: so
 * there is one, whatever is clicked at the same time, and whatever dies after it.
 */
export async function requestApproval(
  category: Category,
  work: ActionRequest,
  context: DurableContext,
  { deadline, deadlineAt }: Deadline,
): Promise<Outcome> {
  const action = category.actions[work.action]
  if (action?.type !== 'approval') throw new Error(`${work.action} asks nobody.`)
  const ask = action.approval
  const { remindBefore = unlessTold(deadline) } = ask.requestOf(work.input)
  const first = remindBefore > 0 && remindBefore < deadline ? deadline - remindBefore : deadline
  const [decided, callbackId] = await context.createCallback('decision', { timeout: { seconds: first } })
  const unnoted = await noted(context, 'note-question', () => note(category, work, callbackId, deadlineAt))
  if (unnoted) return errored(new Failure('unavailable', `${toSentence(unnoted)} Nobody was asked.`))
  const begun = await startJob(category, work, context, { deadline, deadlineAt })
  // A dry run, a platform that refused, or one that was down until the deadline.
  if (!('job' in begun)) return 'outcome' in begun ? begun.outcome : begun
  let decision = await decisionOf(decided)
  if (!decision && first < deadline) {
    const [decidedLate, laterId] = await context.createCallback('decision-after-reminder', {
      timeout: { seconds: deadline - first },
    })
    await noted(context, 'note-callback', async () => (await ask.loadStore()).changeCallback(keyOf(work), laterId))
    await tell('remind', category, work, begun, context)
    decision = await decisionOf(decidedLate)
  }
  await tell('settle', category, work, begun, context, decision)
  return redactDeep(ask.outcome(work.input, begun.outcome, decision))
}

/** A tenth of the deadline before it, at most a day; none where that is under a minute. */
function unlessTold(deadline: number): number {
  const before = Math.min(86_400, Math.floor(deadline / 10))
  return before < 60 ? 0 : before
}

/** How often the table is tried. */
const mostNotes = 60

/** @returns why it could not be noted, if so */
async function noted(context: DurableContext, name: string, write: () => Promise<void>): Promise<string | null> {
  return context.step(
    name,
    async ({ attempt }): Promise<string | null> => {
      try {
        await write()
        return null
      } catch (error) {
        if (isTransient(error) && attempt < mostNotes) throw error
        return redact(messageOf(error))
      }
    },
    {
      retryStrategy: (error, attempt) => ({
        shouldRetry: attempt < mostNotes,
        delay: { seconds: backoffSeconds(error, attempt, 1, 60) },
      }),
    },
  )
}

/** Where a click finds it. */
async function note(category: Category, work: ActionRequest, callbackId: string, deadlineAt: number): Promise<void> {
  await withSignedLink(category, work, deadlineAt, async (ask, provider) => {
    const { keepQuestion } = await ask.loadStore()
    const { message, approvers, requester } = ask.requestOf(work.input)
    const buttons = ask.hasButtons(provider)
    const { connection } = work
    await keepQuestion(keyOf(work), { connection, message, approvers, requester, buttons, deadlineAt }, callbackId)
  })
}

function keyOf({ idempotencyKey }: ActionRequest): string {
  if (idempotencyKey === undefined) throw new Error('Only a task asks people.')
  return idempotencyKey
}

/** Undefined where nobody decided in time. */
async function decisionOf(callback: Promise<string>): Promise<Decision | undefined> {
  try {
    return decisionSchema.parse(JSON.parse(await callback))
  } catch (error) {
    if (error instanceof CallbackTimeoutError) return undefined
    throw error
  }
}

/** Reminds, or shows what was decided. People know what they have decided, so what does not get through is given up. */
async function tell(
  name: 'remind' | 'settle',
  category: Category,
  work: ActionRequest,
  { job }: StartedJob,
  context: DurableContext,
  decision?: Decision,
): Promise<void> {
  await context.step(
    name,
    async ({ attempt }): Promise<null> => {
      try {
        await withSignedLink(category, work, Date.now() + timeToTell, async (ask, provider, client) => {
          if (name === 'remind') return ask.remind(provider, client, work.input, job)
          if (decision) await (await ask.loadStore()).noteDecision(keyOf(work), decision)
          return ask.close(provider, client, work.input, job, decision)
        })
      } catch (error) {
        if (isTransient(error) && attempt < mostTries) throw error
        log.warn(`${name}: people were not told`, { failure: kindOf(error), reason: redact(messageOf(error)) })
      }
      return null
    },
    {
      retryStrategy: (error, attempt) => ({
        shouldRetry: attempt < mostTries,
        delay: { seconds: backoffSeconds(error, attempt, 2, 30) },
      }),
    },
  )
}
