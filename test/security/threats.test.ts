import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { parseSync } from '@swc/core'

/** The tests for each threat in docs/security.md: the file in test/, the names of its groups, and that of the test. */
const TESTS = {
  'Forged token': `
    e2e/refusals > A caller > without a valid token gets 401 and no other information`,
  Timing: `
    shared/auth/callers > Callers: a token is compared in constant time with every hash of every caller
    shared/hmac > Comparison in constant time > is true only for equal texts, of any length`,
  'Forged decision or link': `
    security/signatures > A signed link > is rejected if any byte changes
    security/signatures > A Slack button > is rejected if any byte of its body, time or signature changes
    security/signatures > A Mattermost button > is rejected if any signed byte changes
    security/signatures > A Discord button > is rejected if any byte of its body, time or signature changes, or is old
    security/signatures > A Telegram button > is rejected if any character of its secret token changes
    security/signatures > A button with a shortened token > is rejected if any character of its token changes`,
  'Guessed id of a call': `
    shared/values > The id of a task > changes with the key of the deployment`,
  'Reading the tasks of another caller': `
    shared/core/task/status > A task status can be read by > no other caller, who gets the response of an unknown task`,
  Replay: `
    e2e/silent > A silent call > with an event id runs once, in parallel or later, and a repeat gets the same response
    e2e/jobs > An event that is delivered twice at once
    security/signatures > A Slack button > is rejected more than five minutes before or after its time
    e2e/chat-buttons > A click in Slack >
      has one decision if two people click at once, and notifies the other in private`,
  'SSRF through an input': `
    security/hosts > An input cannot change the host or the path, or add a header > %s
    shared/http/client > HTTP client: requests > follows redirects only within the host of the connection
    functions/load-testing/autocannon > Built-in generator: allowed targets >
      does not call a name that resolves to this machine, even if it is allowed`,
  'Path traversal in ids': `
    security/hosts > An input cannot change the host or the path, or add a header > %s
    shared/http/client > HTTP client: requests > rejects path segments that leave the base URL
    e2e/refusals > A call > %s is rejected with what to send instead`,
  'Header injection': `
    security/hosts > An input cannot change the host or the path, or add a header > %s
    fuzz/fuzz > the HTTP interface responds correctly to any request, and nothing breaks`,
  'Code through a variable': `
    functions/ci-cd/gitlab-ci > GitLab CI: start > rejects a variable that the connection does not list`,
  'Prototype pollution': `
    shared/orchestrators/keptn/event > A form > cannot reach a prototype
    shared/core/webhook/body > A body > with any bytes and any content type is parsed or refused
    e2e/refusals > A body > %s is rejected in both modes with a fix`,
  ReDoS: `
    security/regular-expressions > regular expressions take linear time`,
  'JSON bombs': `
    e2e/refusals > A body > %s is rejected in both modes with a fix
    shared/evaluation/slo-file > readSloFile > rejects a file whose aliases expand without limit
    shared/http/client-responses > HTTP client: responses >
      reports a response that is too large or incomplete as a platform failure`,
  'HTML injection': `
    shared/text/html > markdownToHtml > contains only its own tags for any text
    shared/vendors/adf > toAdf > converts HTML to text
    shared/approvals/approvals > The page escapes HTML and removes characters that change the text direction
    lifecycle/approval-page > The page of an approval > has no scripts, external resources, caching or framing`,
  'Log injection': `
    shared/log > A log line is one JSON object with level, message, time, keys and fields
    fuzz/fuzz > the HTTP interface responds correctly to any request, and nothing breaks`,
  'Secret in a response or log': `
    e2e/masking > The credentials of a connection > do not change the text of a call that uses another connection
    e2e/masking >
      The secrets in the expressions of a connection appear in no log line, response, event or state file
    e2e/secrets > No secret value appears in a log line, response, event or state file, even if platforms echo it
    shared/redact > A registered secret > is masked in the encoding: %s
    shared/core/task/start-execution > The log of a webhook >
      does not contain the link of an approval (base path "%s", route "%s")`,
  'Excessive permissions': `
    infra/aws/permissions > the role of the %s of %s > allows exactly the calls of its code
    infra/aws/permissions > a connection to %s: the role of the %s of %s >
      allows exactly the calls of its code for the ARNs in cdk.json
    infra/aws/nag > the validation of the CDK and cdk-nag AwsSolutions > finds nothing with all options`,
  'Link scanner': `
    lifecycle/approval-page > The page of an approval > does not decide if it is only opened`,
  'Callback theft': `
    e2e/notification > The callback of an approval > never appears in a response, an event or a message`,
  'Stolen reply address': `
    lifecycle/callback > A URL that a call supplies >
      appears nowhere in the task, if the receiver repeats %s
    shared/auth/reply-address > A reply address > cannot be opened for another task
    e2e/kill > No credential and no address of a result is in the log or the list of tasks`,
  'Result to another host': `
    lifecycle/callback > A call with a URL > that is not allowed (%s) is refused with what is allowed
    lifecycle/callback > A URL that a call supplies > is not followed to another URL`,
  'Another user of the machine': `
    e2e/private > The local AWS services > accept only the access key in a private file of the state folder
    e2e/private > A runtime with a real platform > generates a token and an approvals key at the start and keeps them
    e2e/private > A runtime with a real platform > hides its console from other users of the machine
    e2e/private > A state folder > that others can read becomes private
    infra/cli/github > webhooks github manifest > with a page on this machine >
      asks, and then saves the App that GitHub created and a caller for its action`,
  'Unknown input': `
    fuzz/fuzz > the HTTP interface responds correctly to any request, and nothing breaks`,
}

const root = join(import.meta.dirname, '../..')
const document = readFileSync(join(root, 'docs/security.md'), 'utf8')
const [, section = ''] = /^## Threats\n(.*?)^## /ms.exec(document) ?? []

type Node = { type?: string; callee?: unknown; arguments?: { expression: unknown }[]; value?: unknown }

/** Returns the name in a call of `test`, `it` or `describe`, including `test.each(..)(..)`. */
function nameOf({ type, callee, arguments: args }: Node): string | undefined {
  if (type !== 'CallExpression' || !['test', 'it', 'describe'].includes(rootOf(callee))) return undefined
  const { type: kind, value } = (args?.[0]?.expression ?? {}) as Node
  return kind === 'StringLiteral' ? String(value) : undefined
}

function rootOf(callee: unknown): string {
  const { type, value, object, callee: inner } = callee as Node & { object?: unknown }
  if (type === 'Identifier') return String(value)
  return type === 'MemberExpression' ? rootOf(object) : type === 'CallExpression' ? rootOf(inner) : ''
}

/** Returns the names of all tests and groups in a file, each after those of its groups. */
function namesIn(file: string): string[][] {
  const found: string[][] = []
  const visit = (node: unknown, groups: string[]): void => {
    if (node === null || typeof node !== 'object') return
    const name = nameOf(node as Node)
    const path = name === undefined ? groups : [...groups, name]
    if (name !== undefined) found.push(path)
    for (const child of Object.values(node)) visit(child, path)
  }
  visit(parseSync(readFileSync(join(root, file), 'utf8'), { syntax: 'typescript', target: 'es2024' }), [])
  return found
}

test('docs/security.md lists the threats that have tests', () => {
  const documented = [...section.matchAll(/^\| \*\*(.+?)\*\*/gm)].map(([, threat]) => threat)
  expect(documented).toEqual(Object.keys(TESTS))
})

test.each(Object.entries(TESTS))('the tests for "%s" exist', (_threat, tests) => {
  // A line with more indentation continues the one before.
  for (const line of tests.trim().split(/\n {4}(?=\S)/)) {
    const [file, ...names] = line.replaceAll(/\s+/g, ' ').split(' > ')
    expect(namesIn(`test/${file}.test.ts`)).toContainEqual(names)
  }
})
