import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { filesIn, filesOf, namesIn, namesOf, pathsOf } from './documented-tests.ts'

/** Tests for the answers in docs/review.md: the file in test/, the names of its groups, and that of the test. */
const TESTS = {
  'Who stops an action until people agree?': `
    e2e/policy-approvals > An action that needs an approval >
      runs once, after as many people as the rule asks for, who see what would be sent
    e2e/policy-approvals > An action that needs an approval >
      does not run if no one decides in time, and its message is closed
    e2e/policy-approvals > A caller > that is an agent needs an approval of each write, without any rule`,
  'Do approvers see everything?': `
    functions/notification/request-messages > A request for an approval in %s >
      hides no name or value without saying so, and has no line of the caller, for any call
    lifecycle/approval-complete > An approval with complete >
      is decided on the page only, to which the message links instead of its buttons`,
  'Is it known what can be undone?': `
    shared/providers/effects > The effects of the shipped actions > are those that people can undo, or not
    shared/providers/effects > The effects of the shipped actions > are the hints of the tools for agents
    shared/core/webhook/restrict > A rule for irreversible actions >
      matches an action that its provider declares irreversible`,
  'Is an approval for this request only?': `
    lifecycle/approval-rules > A request that has changed since people were asked > is not sent
    lifecycle/approval-forged > An approval > is given only with its own token
    lifecycle/approval-forged > An approval > of an earlier task with the same id approves nothing, and its link neither
    e2e/agent-attacks > A result for an agent >
      never contains the link or the key with which a person decides an approval`,
  'Who decides what is allowed?': `
    shared/policy/policy > A rule matches > %s
    e2e/agents > The tools of an agent > are unknown if the token may not call them, as if they did not exist
    e2e/policy-approvals > An action that needs an approval > is restricted by the input that callers send`,
  "Does today's policy hold for old tasks?": `
    lifecycle/todays-policy > A policy that is deployed while a task waits >
      ends a task that it denies, which had waited for a window of the earlier one
    lifecycle/todays-policy > A policy that is deployed while a task waits > holds a task while it cannot be read`,
  'Can people stop everything now?': `
    lifecycle/stops > A stop is in force > within 5 seconds for silent calls of a process that has read the stops just before
    lifecycle/stops > A stop is in force > within a second for tasks, also for those that wait
    lifecycle/stops > A stop is in force > and everything is stopped if something puts an older item back`,
  'What limits a loop?': `
    lifecycle/policy > A limit of starts > ends a task above it as fail, and the next one may start after the period
    lifecycle/limits > A caller that has reached its limit > gets the result of %s that was accepted, and 429 for another one`,
  'What does a retry do?': `
    lifecycle/agent-key > A key of an agent >
      names one call: with other arguments it starts nothing, and the response names the task
    lifecycle/crash > A task with %s > writes once and answers once, whichever checkpoint its function crashes at
    e2e/agents > A call of an agent > is the same call if it is repeated with its key, and happens once`,
  'What can a tool reach?': `
    infra/aws/permissions > the role of the %s of %s > allows exactly the calls of its code
    security/hosts > An input cannot change the host or the path, or add a header > %s`,
  'What does the model get to see?': `
    shared/http/client-responses > HTTP client: responses >
      reports a response that does not match the schema as a platform failure
    shared/agents/handler > Texts of platforms > are cut to what fits into the context of a model
    e2e/secrets > No secret value appears in a log line, response, event or state file, even if platforms echo it`,
  'Who did it?': `
    lifecycle/audit-record > The audit record of a task > is written by its end, and has its id
    lifecycle/policy > The digest of the policy >
      is in the record of each call that it could restrict, and in the log line of a decision
    e2e/agent-sign-in > An agent that signs in > learns where, and calls as the person, whom the audit record names`,
}

const page = readFileSync(join(import.meta.dirname, '../../docs/review.md'), 'utf8')
const rows = [...page.matchAll(/^\| \*\*(.+?)\*\* \|(.*?)\|(.*?)\|(.*?)\|(.*)\|$/gm)].map(
  ([, question = '', ids = '', does = '', tests = '', doesNot = '']) => ({
    question,
    files: filesIn(tests),
    cells: [ids, does, tests, doesNot].map((cell) => cell.trim()),
  }),
)

test('docs/review.md has twelve answers, each with the files of its tests, and with what we do not do', () => {
  expect(rows).toHaveLength(12)
  const expected = Object.entries(TESTS).map(([question, tests]) => [question, filesOf(tests)])
  expect(rows.map(({ question, files }) => [question, files])).toEqual(expected)
  expect(rows.filter(({ cells }) => cells.includes(''))).toEqual([])
})

test.each(Object.entries(TESTS))('the tests for "%s" exist, and run', (_question, tests) => {
  for (const [file, ...names] of pathsOf(tests)) {
    expect(namesIn(`test/${file}.test.ts`)).toContainEqual(names)
  }
})

test('A skipped test is not one that runs', () => {
  const source = `describe('A', () => { it('b', f); it.skip('c', f); it.each([1])('d %s', f); it.skip.each([1])('e', f) })
    describe.skip('F', () => { it('g', f) }); it.todo('h')`
  expect(namesOf(source)).toEqual([['A'], ['A', 'b'], ['A', 'd %s']])
})
