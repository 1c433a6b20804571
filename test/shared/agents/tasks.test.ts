import { describe, expect, it } from '@jest/globals'
import { detailedTask, resultOfTask } from '../../../shared/agents/tasks.ts'
import { secondsToNextRead } from '../../../shared/core/task/status.ts'
import type { TaskStatus } from '../../../shared/core/task/task-status.ts'

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

describe('A task that waits', () => {
  const running: TaskStatus = {
    taskId: 'a'.repeat(40),
    category: 'ci-cd',
    action: 'trigger-deployment',
    state: 'running',
    verdict: 'running',
    progress: 'Waiting for the policy, next check at 10:01:00 UTC: Waits for something',
    acceptedAt: AT,
    deadlineAt: AT,
  }
  const seen = (needs: TaskStatus['needs']) => {
    const pauseSeconds = secondsToNextRead({ ...running, needs }, Date.parse(AT))
    const task = { id: 'ci-cd.1', status: { ...running, needs }, pauseSeconds }
    const { pollIntervalMs, statusMessage } = detailedTask(task, Date.parse(AT))
    const { message } = Object(resultOfTask(task)['structuredContent'])
    return { message, statusMessage, pollIntervalMs }
  }

  it('for people says what for, and to inform the user, and is read less often', () => {
    const text =
      'Waits for an approval, asked in #ops. Inform your user, and read the task when they say that people have decided.'
    expect(seen({ type: 'decision', detail: 'Waits for an approval, asked in #ops' })).toEqual({
      message: `${text} Call get_task with this taskId in 30 s.`,
      statusMessage: text,
      pollIntervalMs: 30_000,
    })
  })

  it('for the end of a stop says not to try another way', () => {
    expect(seen({ type: 'resume', detail: 'Stopped by jane: bad release' }).message).toBe(
      'Stopped by jane: bad release. People have stopped such actions: inform your user, and do not try another way. The task continues when they resume it. Call get_task with this taskId in 30 s.',
    )
  })

  it('for a job says when to read it again', () => {
    expect(seen(undefined)).toEqual({
      message: `${running.progress}. Call get_task with this taskId in 2 s.`,
      statusMessage: running.progress,
      pollIntervalMs: 2_000,
    })
  })
})
