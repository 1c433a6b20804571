import { describe, expect, it } from '@jest/globals'
import { detailedTask } from '../../../shared/agents/tasks.ts'
import type { TaskStatus } from '../../../shared/core/task/status.ts'

const AT = '2026-12-02T10:00:00.000Z'

/** Returns what an agent sees of a task that ended as aborted. */
function seenBy(message: string, isCanceled?: boolean): unknown {
  const status: TaskStatus = {
    taskId: 'a'.repeat(40),
    category: 'ci-cd',
    action: 'trigger-deployment',
    state: 'finished',
    verdict: 'aborted',
    progress: '',
    acceptedAt: AT,
    deadlineAt: AT,
    endedAt: AT,
    outcome: { status: 'aborted', result: 'fail', message, data: {}, links: {} },
    isCanceled,
  }
  return detailedTask({ id: `ci-cd.${status.taskId}`, status, pauseSeconds: 5 }, Date.parse(AT))['status']
}

describe('A task that ended as aborted', () => {
  it('is canceled if its result says so, for any message', () => {
    expect(seenBy('deploy (trigger-deployment): Canceled by jane before anything was sent', true)).toBe('cancelled')
    expect(seenBy('Canceled by ben at the platform', false)).toBe('completed')
  })

  it('is canceled if its message says so and its result does not, as in earlier versions', () => {
    expect(seenBy('Canceled by jane before anything was sent to the platform')).toBe('cancelled')
    expect(seenBy('The run was canceled')).toBe('completed')
  })
})
