import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { queries } from '../../../infra/aws/queries.ts'

const root = join(import.meta.dirname, '../../..')
const read = (pattern: string) => globSync(pattern, { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))
const wordsOf = (text: string) => text.trim().split(/\s+/)
const sources = read('shared/{core,approvals}/**/*.ts').join('\n')

const STEP =
  /(?:context\.(?:step|wait|createCallback|waitForCondition<\w+>)\(|retriedStep(?:<[^(]*>)?\(\s*context,|sendAnswer\(context,|poll\(context,|(?:waitUntilDone|waitUntilDoneOrWoken|pollWithSource)<\w+>\(context,|tryCleanUp\(|tableStep\(task,|updateMessage\(task,)\s*['`]([\w-]+)(?:\$\{[^}]*\})?['`]/g

/**
 * Names and their order must not change: running executions replay them, and the finisher reads them in the history of older
 * versions. In the order of the source; test/lifecycle compares the order in which a task runs them.
 */
test('the names of durable steps and their order are frozen', () => {
  const files = globSync('shared/{core,approvals}/**/*.ts', { cwd: root }).sort()
  const steps = files.map((file) => {
    // Without the examples in comments.
    const source = readFileSync(join(root, file), 'utf8').replace(/^ \*.*$/gm, '')
    const names = [...source.matchAll(STEP)].map(([, name]) => name)
    return `${file} ${names.join(' ')}`
  })
  expect(steps.filter((line) => !line.endsWith('.ts '))).toEqual([
    'shared/approvals/ask-for-task.ts accept-request report-end',
    'shared/approvals/process.ts withdraw-approval poll-decision poll-decision',
    'shared/approvals/task.ts decision-wake-0 save-approval close-approval read-decision- decision-wake- save-wake-up- show-votes- remind',
    'shared/core/audit-event.ts audit-event',
    'shared/core/task/accept-invocation.ts accept-invocation',
    'shared/core/task/answer.ts send-finished wait-for-pause send-to-observers',
    'shared/core/task/cleanup.ts cleanup in-flight-grace cleanup-again',
    'shared/core/task/finisher.ts read-execution in-flight-grace end-time send-started claim start-cleanup end-approvals',
    'shared/core/task/handler.ts send-started send-started-late end-time',
    'shared/core/task/leave-turns.ts turn-release',
    'shared/core/task/payload.ts check-seal',
    'shared/core/task/require.ts require require-wait require-preview require-ask- require-end',
    'shared/core/task/retry-start.ts start wait-for-retry',
    'shared/core/task/stop.ts poll-after-stop stop',
    'shared/core/task/take-turns.ts turn-number turn-place turn-wait',
    'shared/core/task/wait-for-job.ts poll poll',
  ])
})

test('the fields of log lines that queries read are frozen', () => {
  const isFunction = (word: string) => /^(?:stats|count|max|min|earliest|ispresent)$/.test(word)
  const fields = Object.values(queries).flatMap((query) =>
    [...query.replace(/"[^"]*"|\/[^/]*\//g, '').matchAll(/(?<![@.\w])[a-z][\w]*(?:\.\w+)?/gi)].map(([word]) => word),
  )
  const language = ['and', 'as', 'asc', 'by', 'desc', 'fields', 'filter', 'in', 'like', 'limit', 'or', 'sort']
  const aliases = ['ends', 'failures', 'finished', 'last', 'startedAt', 'taskAction', 'taskProvider']
  expect(
    [...new Set(fields)].filter((word) => ![...language, ...aliases].includes(word) && !isFunction(word)).sort(),
  ).toEqual(
    wordsOf(`
    action attempt audit caller category connection durationMs error.message error.name kind level message
    mode outcome outcome.result outcome.status path provider reason requestId status taskId
    `),
  )
})

test.each([
  'task started',
  'task ended',
  'request',
  'poll failed',
  'cleanup failed',
  'start failed',
  'call contains a stored credential',
])('the log message "%s" is frozen', (message) => {
  expect(sources).toContain(`'${message}'`)
})
