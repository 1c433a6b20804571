import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { queries } from '../../../infra/aws/queries.ts'

const root = join(import.meta.dirname, '../../..')
const read = (pattern: string) => globSync(pattern, { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))
const wordsOf = (text: string) => text.trim().split(/\s+/)
const sources = read('shared/{core,approvals}/**/*.ts').join('\n')

/** Names must not change: running executions replay them, and the finisher reads them in the history of older versions. */
test('the names of durable steps are frozen', () => {
  const inCode = [
    ...sources.matchAll(/context\.(?:step|wait|createCallback|waitForCondition<\w+>)\(\s*'([\w-]+)'/g),
    ...sources.matchAll(/(?:retriedStep(?:<[^(]*>)?\(\s*context,\s*|sendAnswer\(context, |poll\(context, )'([\w-]+)'/g),
    ...sources.matchAll(/(?:tryCleanUp\(|save\(task, |updateMessage\(task, )'([\w-]+)'/g),
  ].map(([, name]) => name)
  expect([...new Set(inCode)].sort()).toEqual(
    wordsOf(`
    accept-invocation claim cleanup cleanup-again close-approval decision decision-after-reminder end-time
    in-flight-grace poll poll-after-stop poll-decision read-execution remind save-approval save-callback
    send-finished send-started send-started-late send-to-observers start start-cleanup stop wait-for-retry
    withdraw-approval
    `),
  )
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
