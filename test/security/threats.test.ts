import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { parseSync } from '@swc/core'

/** The tests for each threat in docs/security.md: file, names of the groups, name of the test. */
const TESTS: Record<string, [file: string, ...names: string[]][]> = {
  'Forged token': [
    ['test/e2e/refusals.test.ts', 'A caller', 'without a valid token gets 401 and no other information'],
  ],
  Timing: [
    [
      'test/shared/auth/callers.test.ts',
      'Callers: a token is compared in constant time with every hash of every caller',
    ],
    ['test/shared/auth/hmac.test.ts', 'Comparison in constant time', 'is true only for equal texts, of any length'],
  ],
  'Forged decision or link': [
    ['test/security/signatures.test.ts', 'A signed link', 'is rejected if any byte changes'],
    [
      'test/security/signatures.test.ts',
      'A Slack button',
      'is rejected if any byte of its body, time or signature changes',
    ],
    ['test/security/signatures.test.ts', 'A Mattermost button', 'is rejected if any signed byte changes'],
    [
      'test/security/signatures.test.ts',
      'A Discord button',
      'is rejected if any byte of its body, time or signature changes, or is old',
    ],
    [
      'test/security/signatures.test.ts',
      'A Telegram button',
      'is rejected if any character of its secret token changes',
    ],
    [
      'test/security/signatures.test.ts',
      'A button with a shortened token',
      'is rejected if any character of its token changes',
    ],
  ],
  'Guessed id of a call': [
    ['test/shared/values.test.ts', 'The id of a task', 'changes with the key of the deployment'],
  ],
  'Reading the tasks of another caller': [
    [
      'test/shared/core/task/status.test.ts',
      'A task status can be read by',
      'no other caller, who gets the response of an unknown task',
    ],
  ],
  Replay: [
    [
      'test/e2e/silent.test.ts',
      'A silent call',
      'with an event id runs once, in parallel or later, and a repeat gets the same response',
    ],
    ['test/e2e/every-job.test.ts', 'An event that is delivered twice at once'],
    [
      'test/security/signatures.test.ts',
      'A Slack button',
      'is rejected more than five minutes before or after its time',
    ],
    [
      'test/e2e/chat-buttons.test.ts',
      'A click in Slack',
      'has one decision if two people click at once, and notifies the other in private',
    ],
  ],
  'SSRF through an input': [
    ['test/security/hosts.test.ts', 'An input cannot change the host or the path, or add a header', '%s'],
    [
      'test/shared/http/client.test.ts',
      'HTTP client: requests',
      'follows redirects only within the host of the connection',
    ],
    [
      'test/functions/load-testing/autocannon.test.ts',
      'Built-in generator: allowed targets',
      'does not call a name that resolves to this machine, even if it is allowed',
    ],
  ],
  'Path traversal in ids': [
    ['test/security/hosts.test.ts', 'An input cannot change the host or the path, or add a header', '%s'],
    ['test/shared/http/client.test.ts', 'HTTP client: requests', 'rejects path segments that leave the base URL'],
    ['test/e2e/refusals.test.ts', 'A path', 'to an unknown connection returns 404 with the known ones'],
  ],
  'Header injection': [
    ['test/security/hosts.test.ts', 'An input cannot change the host or the path, or add a header', '%s'],
    ['test/fuzz/fuzz.test.ts', 'the HTTP interface responds correctly to any request, and nothing breaks'],
  ],
  'Code through a variable': [
    [
      'test/functions/ci-cd/gitlab-ci.test.ts',
      'GitLab CI: start',
      'rejects a variable that the connection does not list',
    ],
  ],
  'Prototype pollution': [
    ['test/shared/orchestrators/keptn/event.test.ts', 'A form', 'cannot reach a prototype'],
    ['test/shared/core/http/body.test.ts', 'A body', 'with any bytes and any content type is parsed or refused'],
    ['test/e2e/refusals.test.ts', 'A body', '%s is rejected in both modes with a fix'],
  ],
  ReDoS: [['test/security/regular-expressions.test.ts', 'regular expressions take linear time']],
  'JSON bombs': [
    ['test/e2e/refusals.test.ts', 'A body', '%s is rejected in both modes with a fix'],
    ['test/shared/evaluation/slo-file.test.ts', 'readSloFile', 'rejects a file whose aliases expand without limit'],
    [
      'test/shared/http/client.test.ts',
      'HTTP client: responses',
      'reports a response that is too large or incomplete as a platform failure',
    ],
  ],
  'HTML injection': [
    ['test/shared/text/html.test.ts', 'markdownToHtml', 'contains only its own tags for any text'],
    ['test/shared/vendors/adf.test.ts', 'toAdf', 'converts HTML to text'],
    [
      'test/shared/approvals/approvals.test.ts',
      'The page escapes HTML and removes characters that change the text direction',
    ],
    [
      'test/lifecycle/approval-page.test.ts',
      'The page of an approval',
      'has no scripts, external resources, caching or framing',
    ],
  ],
  'Log injection': [
    ['test/shared/log.test.ts', 'A log line is one JSON object with level, message, time, keys and fields'],
    ['test/fuzz/fuzz.test.ts', 'the HTTP interface responds correctly to any request, and nothing breaks'],
  ],
  'Secret in a response or log': [
    [
      'test/e2e/masking.test.ts',
      'The credentials of a connection',
      'do not change the text of a call that uses another connection',
    ],
    [
      'test/e2e/secrets.test.ts',
      'No secret value appears in a log line, response, event or state file, even if platforms echo it',
    ],
    ['test/shared/redact.test.ts', 'A registered secret', 'is masked in the encoding: %s'],
    [
      'test/shared/core/task/start.test.ts',
      'The log of a webhook',
      'does not contain the link of an approval (base path "%s", route "%s")',
    ],
  ],
  'Excessive permissions': [
    ['test/infra/aws/permissions.test.ts', 'the role of the %s of %s', 'allows exactly the calls of its code'],
    [
      'test/infra/aws/permissions.test.ts',
      'a connection to %s: the role of the %s of %s',
      'allows exactly the calls of its code for the ARNs in cdk.json',
    ],
    [
      'test/infra/aws/nag.test.ts',
      'the validation of the CDK and cdk-nag AwsSolutions',
      'finds nothing with all options',
    ],
  ],
  'Link scanner': [
    ['test/lifecycle/approval-page.test.ts', 'The page of an approval', 'does not decide if it is only opened'],
  ],
  'Callback theft': [
    [
      'test/e2e/notification.test.ts',
      'The callback of an approval',
      'never appears in a response, an event or a message',
    ],
  ],
  'Stolen reply address': [
    ['test/lifecycle/callback.test.ts', 'A URL that a call brings', 'appears nowhere in the task'],
    ['test/shared/auth/reply-address.test.ts', 'A reply address', 'cannot be opened for another task'],
    ['test/e2e/kill.test.ts', 'No credential and no address of a result is in the log or the list of tasks'],
  ],
  'Result to another host': [
    [
      'test/lifecycle/callback.test.ts',
      'A call with a URL',
      'that is not allowed (%s) is refused with what is allowed',
    ],
    ['test/lifecycle/callback.test.ts', 'A URL that a call brings', 'is not followed to another URL'],
  ],
  'Another user of the machine': [
    [
      'test/e2e/private.test.ts',
      'The local AWS services',
      'accept only the access key in a private file of the state folder',
    ],
    [
      'test/e2e/private.test.ts',
      'A runtime with a real platform',
      'generates a token and an approvals key at the start and keeps them',
    ],
    ['test/e2e/private.test.ts', 'A runtime with a real platform', 'hides its console from other users of the machine'],
    ['test/e2e/private.test.ts', 'A state folder', 'that others can read becomes private'],
  ],
  'Unknown input': [
    ['test/fuzz/fuzz.test.ts', 'the HTTP interface responds correctly to any request, and nothing breaks'],
  ],
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
  for (const [file, ...names] of tests) expect(namesIn(file)).toContainEqual(names)
})
