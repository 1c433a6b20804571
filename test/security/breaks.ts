/** A deliberate break of a defense: a change of the source that a test of its threat must notice. */
export interface Break {
  /** The file, and the text in it that is replaced, which occurs once. */
  file: string
  from: string
  to: string
  /** The test of the threat that notices it: the file in test/, the names of its groups, and that of the test. */
  test: string
}

const page = 'lifecycle/approval-page > The page of an approval >'

/** The breaks by threat. `npm run test:threats` makes each one in a copy, and runs its test. */
export const BREAKS: Record<string, Break> = {
  'Forged token of a provider': {
    file: 'shared/auth/token-caller.ts',
    from: 'const problem = mismatch ? undefined : await',
    to: 'const problem = true ? undefined : await',
    test: 'shared/auth/token-caller > A forged token > with changed claims is refused',
  },
  Timing: {
    file: 'shared/hmac.ts',
    from: 'return timingSafeEqual(digestOf(one), digestOf(other))',
    to: 'return one.startsWith(other)',
    test: 'shared/hmac > Comparison in constant time > is true only for equal texts, of any length',
  },
  Replay: {
    file: 'shared/core/webhook/signed-message.ts',
    from: 'if (first.target !== target)',
    to: 'if (first.target === undefined)',
    test: 'lifecycle/signed > A signed call > that was sent once is refused with %s',
  },
  'Guessed id of a call': {
    file: 'shared/core/call-id.ts',
    from: 'return hmacHex(key, canonicalJson(identity))',
    to: "return hmacHex(key && 'key', canonicalJson(identity))",
    test: 'shared/values > The id of a task > changes with the key of the deployment',
  },
  'SSRF through an input': {
    file: 'shared/http/redirects.ts',
    from: 'target.origin === base.origin && ',
    to: '',
    test: 'shared/http/client > HTTP client: requests > follows redirects only within the host of the connection',
  },
  'Path traversal in ids': {
    file: 'shared/http/segment.ts',
    from: "part === '.' || part === '..'",
    to: "part === '.'",
    test: 'shared/http/client > HTTP client: requests > rejects path segments that leave the base URL',
  },
  'Header injection': {
    file: 'shared/http/segment.ts',
    from: 'return encodeURIComponent(text)',
    to: 'return text',
    test: 'security/hosts > An input cannot change the host or the path, or add a header > %s',
  },
  'Code through a variable': {
    file: 'shared/providers/job-variables.ts',
    from: 'names.find((name) => !allowed.includes(name))',
    to: 'names.find((name) => allowed.length === 0 && name)',
    test: 'functions/ci-cd/gitlab-ci > GitLab CI: start > rejects a variable that the connection does not list',
  },
  'Prototype pollution': {
    file: 'shared/dotted-keys.ts',
    from: '    refuseUnsafe(part, name)\n',
    to: '',
    test: 'shared/orchestrators/keptn/event > A form > cannot reach a prototype',
  },
  'HTML injection': {
    file: 'shared/text/escape-html.ts',
    from: 'ENTITIES[character] ?? character',
    to: 'character || ENTITIES[character] || character',
    test: 'shared/approvals/approvals > The page escapes HTML and removes characters that change the text direction',
  },
  'Avoided rule': {
    file: 'shared/policy/match.ts',
    from: '>= position && name.endsWith(end)',
    to: '>= position',
    test: 'shared/policy/policy > A rule matches > %s',
  },
  'Reading the tasks of another caller': {
    file: 'shared/core/task/status.ts',
    from: "caller.reads !== 'all' && execution.task.caller !== caller.name",
    to: "caller.reads !== 'all' && execution.task.caller === ''",
    test: 'shared/core/task/status > A task status can be read by > no other caller, who gets the response of an unknown task',
  },
  'Ending the task of another caller': {
    file: 'shared/core/task/cancel.ts',
    from: 'if (task.caller !== caller.name)',
    to: "if (task.caller !== caller.name && caller.reads !== 'all')",
    test: 'lifecycle/cancel > A canceled task > is not that of another caller, nor of one that only reads it',
  },
  'Signature of another path': {
    file: 'shared/core/webhook/route.ts',
    from: 'if (message !== undefined)\n',
    to: 'if (message === "")\n',
    test: 'lifecycle/signed > A signature > cannot %s a task: it does not cover the path',
  },
  'Held requests': {
    file: 'shared/core/webhook/task-routes.ts',
    from: 'return calls <= MAX_WAITS_PER_MINUTE',
    to: 'return calls > 0 || MAX_WAITS_PER_MINUTE > 0',
    test: 'shared/core/task/status > The status > that a caller waits for too often is returned after a second, so that it leaves functions to others',
  },
  'Stolen reply address': {
    file: 'shared/auth/encryption.ts',
    from: '    // The tag does not match.\n    return undefined',
    to: "    return start.toString('utf8')",
    test: 'shared/auth/reply-address > A reply address > cannot be opened for another task',
  },
  'Forged decision or link': {
    file: 'shared/approvals/signed-link.ts',
    from: 'isSame(sign(candidate, claim).slice(0, signature.length), signature)',
    to: 'isSame(sign(candidate, claim).slice(0, 8), signature.slice(0, 8))',
    test: 'security/signatures > A signed link > is rejected if any byte changes',
  },
  'Stolen approval link': {
    file: 'shared/approvals/decider.ts',
    from: 'if (person?.taskId !== taskId)',
    to: 'if (person === undefined)',
    test: 'lifecycle/approval-sign-in > A link > of another approval needs another sign-in',
  },
  'Form of another site': {
    file: 'shared/approvals/page-route.ts',
    from: 'if (!isOwn)',
    to: 'if (site !== undefined && !isOwn)',
    test: 'lifecycle/approval-sign-in > The page > decides nothing that another page sends',
  },
  'Link scanner': {
    file: 'shared/approvals/page-route.ts',
    from: "if (method !== 'POST') return open(200)",
    to: "if (method === 'HEAD') return open(200)",
    test: `${page} does not decide if it is only opened`,
  },
  'Clickjacking and scripts': {
    file: 'shared/approvals/page.ts',
    from: "; frame-ancestors 'none'",
    to: '',
    test: `${page} has no scripts, external resources, caching or framing`,
  },
  'Forged button': {
    file: 'functions/notification/slack-buttons.ts',
    from: 'if (!isSame(signature, expected))',
    to: 'if (!isSame(signature.slice(0, 10), expected.slice(0, 10)))',
    test: 'security/signatures > A Slack button > is rejected if any byte of its body, time or signature changes',
  },
  'Forged notification': {
    file: 'shared/sources/verify.ts',
    from: 'if (!matches.includes(true))',
    to: 'if (matches.length === 0)',
    test: 'shared/sources/verify > The signature of > %s is refused for a body with one changed byte',
  },
  'Flood of notifications': {
    file: 'shared/events/wake-tasks.ts',
    from: 'if (ended.length > MAX_RUNS)',
    to: 'if (ended.length > MAX_RUNS * 2)',
    test: 'shared/events/handler > A notification > that names more runs than a hundred is refused',
  },
  'Forged alert': {
    file: 'shared/sources/authenticate-source.ts',
    from: 'return scheme ? headersOf(',
    to: 'return !scheme ? headersOf(',
    test: 'shared/sources/read-notification > A copy of a signed notification > of $type is the same alert with any other headers',
  },
  'Storm of alerts': {
    file: 'shared/state/alert-groups.ts',
    from: 'OR taken < :max)',
    to: 'OR taken <= :max)',
    test: 'shared/dispatch/dispatch > A group > makes a limited number of calls, and one for all others at the end of the period',
  },
  'Instructions in texts of platforms': {
    file: 'shared/agents/results.ts',
    from: "(word.includes(APPROVAL_PATH) ? '***' : word)",
    to: 'word',
    test: 'shared/agents/handler > Texts of platforms > lose invisible characters and links with which a person decides',
  },
  'Token for another server, or without the scope': {
    file: 'shared/agents/handler.ts',
    from: '      audience: settings.mcpUrl,\n',
    to: '',
    test: 'shared/agents/sign-in > A token for the endpoint > that a caller accepts for another audience is refused here',
  },
  'Forged payload of a task': {
    file: 'shared/core/task/payload.ts',
    from: 'isSame(String(payload.seal), seal)',
    to: 'seal.length > 0',
    test: 'lifecycle/approval-forged > A forged payload > of a task without its requirements, or with others, starts nothing and asks no one',
  },
  'Guessing with a call': {
    file: 'shared/core/webhook/read-call.ts',
    from: 'throw limit ?? guessing ?? error',
    to: 'throw limit ?? error',
    test: 'security/guesses > After three calls with a stored credential > $name has one answer, whether its guess is right or not',
  },
  'Secret in a response or log': {
    file: 'shared/redact.ts',
    from: "return [bytes.toString('base64'), bytes",
    to: 'return parts.length === 3 ? [] : [bytes',
    test: 'shared/redact > A registered secret > is masked in the encoding: %s',
  },
  'Changed package': {
    file: 'infra/tools/audit.ts',
    from: '...missing.map(',
    to: '...missing.slice(1).map(',
    test: 'infra/tools/audit > reports packages whose signature is invalid or missing, and fails',
  },
}

/** The threats whose tests no break proves yet: they need the bundles, a browser, the fuzzer or the CDK, or are about several defenses. */
export const WITHOUT_BREAK = [
  'Forged token',
  'ReDoS',
  'JSON bombs',
  'Log injection',
  'Unknown input',
  'Result to another host',
  'Forged sign-in',
  'Approval of another request',
  'Two decisions',
  'Callback theft',
  'Old or copied button press',
  'Press by someone else',
  'Lost, late or repeated notification',
  'Page of another site',
  'Headers that differ from the body',
  'Agent that approves itself',
  'Write that happens twice',
  'Tool without a right',
  'Person that approves its own call',
  'Call as any caller',
  'Another user of the machine',
  'Web page that sends requests',
  'Change of a stack by mistake',
  'Excessive permissions',
  'Changed item',
  'Known vulnerability in a dependency',
  'Unknown content',
]
