import { expect, it } from '@jest/globals'
import type { ApprovalInput } from '../../shared/approvals/request/input.ts'
import { outcomeOf } from '../../shared/approvals/task.ts'
import { type ApprovalTask, type Completed, completed } from '../../shared/providers/action.ts'
import type { MessageProvider } from '../../shared/providers/message.ts'
import { decisionSchema } from '../../shared/state/approval-decision.ts'
import { itemKeys } from '../../shared/state/item-keys.ts'
import { put } from '../../shared/state/table.ts'
import { category, useLifecycle } from './platform.ts'

/** Lambda runs a task on the version that started it. So this webhook decides approvals of tasks that take the decision from their callback. */
const { lifecycle, platform } = useLifecycle()
Object.assign(category.actions['ask-approval'] ?? {}, { loadTask: async () => runPreviousVersion })

/** The steps and the item of the version before approvals were decided in the table, without its reminder. */
async function runPreviousVersion(task: ApprovalTask<MessageProvider, ApprovalInput>): Promise<Completed> {
  const { context, taskId, connection, input, deadline } = task
  const timeout = { seconds: deadline.seconds }
  const [response, callbackId] = await context.createCallback('decision', { timeout })
  await context.step('save-approval', async () => {
    const approval = { connection, message: input.message, hasButtons: false, deadlineAt: deadline.at }
    const expiration = Math.floor(deadline.at / 1_000) + 14 * 86_400
    await put(itemKeys.approval(taskId), { approval: JSON.stringify(approval), callbackId, expiration })
  })
  const { outcome } = await task.start()
  return completed(outcomeOf(outcome, decisionSchema.parse(JSON.parse(await response))))
}

const decide = async (decision: 'approve' | 'reject') =>
  (await lifecycle.decide(platform.messages[0]?.page, { decision })).statusCode

it('An approval of the previous version is decided once, and its task gets the decision', async () => {
  let statuses: number[] = []
  const { outcome } = await lifecycle.call(
    'ask-approval?connection=chat',
    {},
    {
      onWait: async () => {
        statuses = [await decide('approve'), await decide('reject')]
      },
    },
  )
  expect(statuses).toEqual([200, 409])
  expect(outcome).toMatchObject({ result: 'pass', message: 'Approved by link: Jane Doe' })
  expect(await decide('reject')).toBe(409)
})

it('An approval of the previous version ends if its task is canceled', async () => {
  const task = await lifecycle.accept('ask-approval?connection=chat')
  const { outcome } = await lifecycle.run(task, {
    onWait: async () => void (await lifecycle.command('cancel', task.id)),
  })
  expect(outcome).toMatchObject({ status: 'aborted', data: { decision: 'canceled', by: 'keptn' } })
})
