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
  'Forged token': {
    file: 'shared/auth/authenticate.ts',
    from: 'if (timingSafeEqual(presented',
    to: 'if (token === hash || timingSafeEqual(presented',
    test: 'shared/auth/callers > Callers: a token that is wrong, the hash of a token and the token of another name are refused',
  },
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
    test: 'functions/ci-cd/gitlab-ci/gitlab-ci > GitLab CI: start > rejects a variable that the connection does not list',
  },
  'Prototype pollution': {
    file: 'shared/dotted-keys.ts',
    from: '    refuseUnsafe(part, name)\n',
    to: '',
    test: 'shared/orchestrators/keptn/event > A form > cannot reach a prototype',
  },
  ReDoS: {
    file: 'shared/auth/authenticate.ts',
    from: '([A-Za-z0-9+/=]+)$/i',
    to: '((?:[A-Za-z0-9+/=]+)+)$/i',
    test: 'security/regular-expressions > regular expressions take linear time',
  },
  'JSON bombs': {
    file: 'shared/http/parse-body.ts',
    from: 'if (++depth > MAX_DEPTH) return true',
    to: 'if (++depth === 0) return true',
    test: 'shared/http/client-responses > HTTP client: responses > reports a successful response with too many levels as a platform failure (%#)',
  },
  'HTML injection': {
    file: 'shared/text/escape-html.ts',
    from: 'ENTITIES[character] ?? character',
    to: 'character || ENTITIES[character] || character',
    test: 'shared/approvals/approvals > The page escapes HTML and removes characters that change the text direction',
  },
  'Log injection': {
    file: 'shared/log.ts',
    from: 'toMaskedJson(withMetrics(line))',
    to: "toMaskedJson(withMetrics(line)).replaceAll('\\\\n', '\\n')",
    test: 'shared/log > A log line is one JSON object with level, message, time, keys and fields',
  },
  'Avoided rule': {
    file: 'shared/policy/names.ts',
    from: '>= position && name.endsWith(end)',
    to: '>= position',
    test: 'shared/policy/policy > A rule matches > %s',
  },
  'Unknown input': {
    file: 'shared/policy/evaluate.ts',
    from: '?? refusals[0]',
    to: '?? (refusals.length === 1 ? refusals[0] : undefined)',
    test: 'fuzz/fuzz > policies only restrict, and decide as their documentation says, for any file and any call',
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
  'Result to another host': {
    file: 'shared/orchestrators/callback/address.ts',
    from: 'url.origin === origin && ',
    to: '',
    test: 'lifecycle/callback > A call with a URL > that is not allowed (%s) is refused with what is allowed',
  },
  'Forged decision or link': {
    file: 'shared/approvals/signed-link.ts',
    from: 'isSame(sign(candidate, use, claim).slice(0, signature.length), signature)',
    to: 'isSame(sign(candidate, use, claim).slice(0, 8), signature.slice(0, 8))',
    test: 'security/signatures > A signed link > is rejected if any byte changes',
  },
  'Stolen approval link': {
    file: 'shared/approvals/decider.ts',
    from: 'if (person?.taskId !== taskId)',
    to: 'if (person === undefined)',
    test: 'lifecycle/approval-sign-in > A link > of another approval needs another sign-in',
  },
  'Forged sign-in': {
    file: 'shared/approvals/sign-in-route.ts',
    from: 'cookie !== undefined && isSame(cookie, state) ?',
    to: 'cookie !== undefined ?',
    test: 'lifecycle/approval-sign-in > The return from the provider > is refused in another browser, which did not start the sign-in',
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
  'Approval of another request': {
    file: 'shared/core/approved-request.ts',
    from: 'if (hasChanged) throw',
    to: 'if (isFirst) throw',
    test: 'lifecycle/approval-rules > A request that has changed since people were asked > is not sent',
  },
  'Hidden or forged part of a request': {
    file: 'shared/text/visible.ts',
    from: 'text.replace(INVISIBLE, escaped)',
    to: 'text',
    test: 'functions/notification/request-messages > A request for an approval in %s > hides no name or value without saying so, and has no line of the caller, for any call',
  },
  'Decision with a link to read': {
    file: 'shared/approvals/signed-link.ts',
    from: 'use: TokenUse, claim: string): string {\n',
    to: "_use: TokenUse, claim: string): string {\n  const use = 'approval'\n",
    test: 'lifecycle/approval-complete > An approval with complete > is decided on the page only, to which the message links instead of its buttons',
  },
  'Two decisions': {
    file: 'shared/state/approvals.ts',
    from: 'attribute_not_exists(decision) AND ',
    to: '',
    test: 'lifecycle/approval-races > The table > accepts exactly one end of a request, in whichever order they come',
  },
  'Callback theft': {
    file: 'shared/core/task/wait.ts',
    from: "typeof winner === 'object' ? winner : undefined",
    to: "typeof winner === 'object' ? winner : JSON.parse(winner)",
    test: 'lifecycle/approval-forged > An approval > is not given by a forged wake-up of the tasks',
  },
  'Forged button': {
    file: 'functions/notification/slack/buttons.ts',
    from: 'if (!isSame(signature, expected))',
    to: 'if (!isSame(signature.slice(0, 10), expected.slice(0, 10)))',
    test: 'security/signatures > A Slack button > is rejected if any byte of its body, time or signature changes',
  },
  'Old or copied button press': {
    file: 'functions/notification/slack/buttons.ts',
    from: ' || Math.abs(now / 1_000 - Number(timestamp)) > MAX_CLOCK_DIFFERENCE_SECONDS',
    to: '',
    test: 'security/signatures > A Slack button > is rejected more than five minutes before or after its time',
  },
  'Press by someone else': {
    file: 'shared/approvals/may-decide.ts',
    from: 'if (approvers && !approvers.some(isApprover))',
    to: 'if (approvers && approvers.length === 0)',
    test: 'shared/approvals/approvals > A person who may decide > is not %s',
  },
  'Forged notification': {
    file: 'shared/sources/verify.ts',
    from: 'if (!matches.includes(true))',
    to: 'if (matches.length === 0)',
    test: 'shared/sources/verify > The signature of > %s is refused for a body with one changed byte',
  },
  'Lost, late or repeated notification': {
    file: 'shared/core/task/wait.ts',
    from: 'if (state.nextPollIn === undefined) return state',
    to: 'return state',
    test: 'lifecycle/source > A task of whose job a source notifies us > gets the same result whether a wake-up is early, repeated, for another run or late',
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
  'Page of another site': {
    file: 'shared/agents/endpoint.ts',
    from: 'URL.parse(origin)?.hostname === requestContext.domainName',
    to: 'origin.includes(String(requestContext.domainName))',
    test: 'shared/agents/handler > A page of %s gets %i from the server of a.example, before its caller is authenticated',
  },
  'Headers that differ from the body': {
    file: 'shared/agents/mirrored-headers.ts',
    from: 'if (decode(name, sent) !== value)',
    to: "if (decode(name, sent) === '')",
    test: 'shared/agents/handler > A call whose headers name %s is refused, and not forwarded',
  },
  'Agent that approves itself': {
    file: 'shared/agents/tasks.ts',
    from: 'statusMessage: cleanText(needs ? describeWait(status) : progress, MAX_STATUS)',
    to: 'statusMessage: needs ? describeWait(status) : progress',
    test: 'shared/agents/handler > Texts of platforms > lose such links in the progress of a task, too',
  },
  'Instructions in texts of platforms': {
    file: 'shared/agents/results.ts',
    from: "(word.includes(APPROVAL_PATH) ? '***' : word)",
    to: 'word',
    test: 'shared/agents/handler > Texts of platforms > lose invisible characters and links with which a person decides',
  },
  'Write that happens twice': {
    file: 'shared/core/webhook/agent-key.ts',
    from: 'if (owner === id) return',
    to: 'if (owner !== undefined) return',
    test: 'lifecycle/agent-key > A key of an agent > names one call: with other arguments it starts nothing, and the response names the task',
  },
  'Tool without a right': {
    file: 'shared/agents/catalogue.ts',
    from: 'return !allow ||',
    to: 'return true ||',
    test: 'shared/agents/handler > A tool that the caller may not use is unknown, as if it did not exist',
  },
  'Person that approves its own call': {
    file: 'shared/core/webhook/restrict.ts',
    from: 'owners: email === undefined ? owners : [...owners, email]',
    to: 'owners',
    test: 'lifecycle/approval-sign-in > A person who is signed in > has the owners of the caller behind the call, too, who may not approve it either',
  },
  'Token for another server, or without the scope': {
    file: 'shared/agents/handler.ts',
    from: '      audience: settings.mcpUrl,\n',
    to: '',
    test: 'shared/agents/sign-in > A token for the endpoint > that a caller accepts for another audience is refused here',
  },
  'Call as any caller': {
    file: 'shared/core/webhook/handler.ts',
    from: 'if (isForwarded(context)) throw',
    to: 'if (isForwarded(context) && isRequest(event)) throw',
    test: 'shared/core/webhook/forwarded > The alias for the function for agents refuses a direct call, which could name any caller, and reads nothing',
  },
  'Forged payload of a task': {
    file: 'shared/core/task/payload.ts',
    from: 'isSame(String(payload.seal), seal)',
    to: 'seal.length > 0',
    test: 'lifecycle/approval-forged > A forged payload > of a task without its requirements, or with others, starts nothing and asks no one',
  },
  'Another user of the machine': {
    file: 'infra/local/cloud/index.ts',
    from: 'if (!hasAccessKey(req, accessKeyId)) throw',
    to: "if (accessKeyId === '') throw",
    test: 'e2e/private > The local AWS services > accept only the access key in a private file of the state folder',
  },
  'Web page that sends requests': {
    file: 'infra/local/console/routes.ts',
    from: '(origin !== undefined && ',
    to: "(origin === 'null' && ",
    test: 'infra/local/console/stack-operator > an operator in the console of a stack > cannot be another page, or a user without the key',
  },
  'Change of a stack by mistake': {
    file: 'infra/local/console/stack/stack-console.ts',
    from: 'sources, events } = options',
    to: 'sources, events } = { ...options, isReadOnly: false }',
    test: 'infra/local/console/stack-operator > an operator in the console of a stack > cannot act with --read-only',
  },
  'Excessive permissions': {
    file: 'infra/aws/agents.ts',
    from: "actions: ['lambda:InvokeFunction']",
    to: "actions: ['lambda:InvokeFunction', 'lambda:GetFunction']",
    test: 'infra/aws/permissions > the role of the %s of %s > allows exactly the calls of its code',
  },
  'Changed item': {
    file: 'infra/aws/table-permissions.ts',
    from: "...table.allow(['GetItem', 'UpdateItem'], approvals)",
    to: "...table.allow(['GetItem', 'PutItem', 'UpdateItem'], approvals)",
    test: 'infra/aws/item-keys > table items > a webhook may neither create nor delete an approval',
  },
  'Secret in a response or log': {
    file: 'shared/redact.ts',
    from: "return [bytes.toString('base64'), bytes",
    to: 'return parts.length === 3 ? [] : [bytes',
    test: 'shared/redact > A registered secret > is masked in the encoding: %s',
  },
  'Guessing with a call': {
    file: 'shared/core/webhook/read-call.ts',
    from: 'throw limit ?? guessing ?? error',
    to: 'throw limit ?? error',
    test: 'security/guesses > After three calls with a stored credential > $name has one answer, whether its guess is right or not',
  },
  'Known vulnerability in a dependency': {
    file: 'infra/tools/audit.ts',
    from: 'found.some(({ severity })',
    to: 'found.every(({ severity })',
    test: 'infra/tools/audit > reports each advisory, and fails for severe ones, of development dependencies too',
  },
  'Changed package': {
    file: 'infra/tools/audit.ts',
    from: '...missing.map(',
    to: '...missing.slice(1).map(',
    test: 'infra/tools/audit > reports packages whose signature is invalid or missing, and fails',
  },
  'Unknown content': {
    file: 'infra/tools/pack/locked-packages.ts',
    from: 'const { version, license, dependencies',
    to: "const { version, license = 'unknown', dependencies",
    test: 'infra/tools/pack/locked-packages > lockedPackages > rejects a package that declares no license',
  },
}
