import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { BREAKS } from './breaks.ts'
import { filesIn, filesOf, namesIn, pathsOf } from './documented-tests.ts'

/** Tests for the attacks in docs/threat-model.md: the file in test/, the names of its groups, and that of the test. */
const TESTS = {
  'Forged token': `
    shared/auth/callers >
      Callers: a token that is wrong, the hash of a token and the token of another name are refused
    e2e/refusals > A caller > without a valid token gets 401 and no other information`,
  'Forged token of a provider': `
    shared/auth/token-caller > A forged token > with changed claims is refused
    shared/auth/token-caller > A token of an OpenID provider >
      identifies its caller, and the person or program in its claims
    lifecycle/oidc > A call with a token of an OpenID provider > for another audience is refused with the reason
    lifecycle/oidc > A call with a token of an OpenID provider > is not verified after its sender has sent many forged ones`,
  Timing: `
    shared/auth/callers > Callers: a token is compared in constant time with every hash of every caller
    shared/hmac > Comparison in constant time > is true only for equal texts, of any length`,
  Replay: `
    e2e/silent > A silent call > with an event id runs once, in parallel or later, and a repeat gets the same response
    e2e/jobs > An event that is delivered twice at once
    lifecycle/signed > A signed call > that was sent once is refused with %s`,
  'Guessed id of a call': `
    shared/values > The id of a task > changes with the key of the deployment`,
  'SSRF through an input': `
    security/hosts > An input cannot change the host or the path, or add a header > %s
    shared/http/client > HTTP client: requests > follows redirects only within the host of the connection
    functions/load-testing/autocannon/autocannon > Built-in generator: allowed targets >
      does not call a name that resolves to this machine, even if it is allowed`,
  'Path traversal in ids': `
    security/hosts > An input cannot change the host or the path, or add a header > %s
    shared/http/client > HTTP client: requests > rejects path segments that leave the base URL
    e2e/refusals > A call > %s is rejected with what to send instead`,
  'Header injection': `
    security/hosts > An input cannot change the host or the path, or add a header > %s
    fuzz/fuzz > the HTTP interface responds correctly to any request, and nothing breaks`,
  'Code through a variable': `
    functions/ci-cd/gitlab-ci/gitlab-ci > GitLab CI: start > rejects a variable that the connection does not list`,
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
      reports a response that is too large or incomplete as a platform failure
    shared/http/client-responses > HTTP client: responses >
      reports a successful response with too many levels as a platform failure (%#)`,
  'HTML injection': `
    shared/text/html > markdownToHtml > contains only its own tags for any text
    shared/vendors/adf > toAdf > converts HTML to text
    shared/approvals/approvals > The page escapes HTML and removes characters that change the text direction
    lifecycle/approval-page > The page of an approval > has no scripts, external resources, caching or framing`,
  'Log injection': `
    shared/log > A log line is one JSON object with level, message, time, keys and fields
    fuzz/fuzz > the HTTP interface responds correctly to any request, and nothing breaks`,
  'Avoided rule': `
    shared/policy/policy > A rule matches > %s
    shared/policy/policy > A policy > denies, even if other rules let the task wait`,
  'Unknown input': `
    fuzz/fuzz > the HTTP interface responds correctly to any request, and nothing breaks
    fuzz/fuzz > policies only restrict, and decide as their documentation says, for any file and any call`,
  'Reading the tasks of another caller': `
    shared/core/task/status > A task status can be read by > no other caller, who gets the response of an unknown task`,
  'Ending the task of another caller': `
    lifecycle/cancel > A canceled task > is not that of another caller, nor of one that only reads it
    lifecycle/rerun > A task that failed > is not run again by another caller`,
  'Signature of another path': `
    lifecycle/signed > A signature > cannot %s a task: it does not cover the path`,
  'Held requests': `
    shared/core/task/status > The status >
      that a caller waits for too often is returned after a second, so that it leaves functions to others`,
  'Stolen reply address': `
    lifecycle/callback > A URL that a call supplies >
      appears nowhere in the task, if the receiver repeats %s
    shared/auth/reply-address > A reply address > cannot be opened for another task
    e2e/kill > No credential and no address of a result is in the log or the list of tasks`,
  'Result to another host': `
    lifecycle/callback > A call with a URL > that is not allowed (%s) is refused with what is allowed
    lifecycle/callback > A URL that a call supplies > is not followed to another URL`,
  'Forged decision or link': `
    security/signatures > A signed link > is rejected if any byte changes
    lifecycle/approval-page > The page of an approval > rejects a forged, altered or unknown link`,
  'Stolen approval link': `
    e2e/sign-in > does not let another person with the link decide
    e2e/sign-in > shows who is signed in in this browser, and lets another person sign in
    lifecycle/approval-sign-in > A link > that another person opens does not decide, neither before nor after a sign-in
    lifecycle/approval-sign-in > A link > of another approval needs another sign-in`,
  'Forged sign-in': `
    e2e/sign-in > is refused with a token of %s
    e2e/sign-in > is not repeated with the URL of the return, in this or another browser
    lifecycle/approval-sign-in > The return from the provider >
      is refused in another browser, which did not start the sign-in
    lifecycle/approval-sign-in > A token of a person > %s is refused
    lifecycle/approval-sign-in > A token of a person > with the signature of another key is refused`,
  'Form of another site': `
    e2e/sign-in >
      lets a person approve what an agent proposed, on a phone without JavaScript, and the records name both
    lifecycle/approval-sign-in > The page > decides nothing that another page sends`,
  'Link scanner': `
    lifecycle/approval-page > The page of an approval > does not decide if it is only opened
    e2e/page > works with a keyboard: Enter in a field does not decide, a button does`,
  'Clickjacking and scripts': `
    lifecycle/approval-page > The page of an approval > has no scripts, external resources, caching or framing`,
  'Approval of another request': `
    lifecycle/approval-rules > A request that has changed since people were asked > is not sent
    lifecycle/approval-forged > An approval > of an earlier task with the same id approves nothing, and its link neither`,
  'Hidden or forged part of a request': `
    functions/notification/request-messages > A request for an approval in %s >
      shows every name, even if a long value comes first, and how much of it is not shown
    functions/notification/request-messages > A request for an approval in %s >
      hides no name or value without saying so, and has no line of the caller, for any call
    shared/text/details > The lines of an input > show characters that people cannot see, and end with the value
    lifecycle/approval-complete > An approval with complete >
      is decided on the page only, to which the message links instead of its buttons`,
  'Decision with a link to read': `
    lifecycle/approval-complete > An approval with complete >
      is decided on the page only, to which the message links instead of its buttons
    lifecycle/approval-complete > The link to the complete request >
      shows all of it to those who have the link, and decides nothing
    lifecycle/approval-complete > The link to the complete request >
      says who has decided, and expires with the approval`,
  'Two decisions': `
    lifecycle/approval-races > The table > accepts exactly one end of a request, in whichever order they come
    shared/approvals/decide > A decision > is one of several at the same moment, in the order %j`,
  'Callback theft': `
    e2e/notification > The callback of an approval > never appears in a response, an event or a message
    lifecycle/approval-forged > An approval > is not given by a forged wake-up of the tasks`,
  'Forged button': `
    security/signatures > A Slack button > is rejected if any byte of its body, time or signature changes
    security/signatures > A Mattermost button > is rejected if any signed byte changes
    security/signatures > A Discord button > is rejected if any byte of its body, time or signature changes, or is old
    security/signatures > A Telegram button > is rejected if any character of its secret token changes
    security/signatures > A button with a shortened token > is rejected if any character of its token changes
    e2e/chat-buttons > A click in Slack >
      that is forged, altered, replayed or from another workspace is rejected, and its value is not logged`,
  'Old or copied button press': `
    security/signatures > A Slack button > is rejected more than five minutes before or after its time
    e2e/chat-buttons > A click in Slack >
      has one decision if two people click at once, and notifies the other in private`,
  'Press by someone else': `
    shared/approvals/approvals > A person who may decide > is not %s
    e2e/chat-buttons > A click in Slack >
      of a person who may not decide is rejected in private, and the approval stays open
    e2e/policy-approvals > An action that needs an approval > is not approved by an owner of the caller`,
  'Forged notification': `
    e2e/sources > The receiver of notifications > refuses %s with %i
    shared/sources/verify > The signature of > %s is refused for a body with one changed byte`,
  'Lost, late or repeated notification': `
    lifecycle/source > A task of whose job a source notifies us >
      gets the same result whether a wake-up is early, repeated, for another run or late
    e2e/sources > A signed notification > that comes 500 times never harms its task`,
  'Flood of notifications': `
    e2e/sources > The receiver of notifications > refuses %s with %i
    shared/events/handler > A notification > that names more runs than a hundred is refused`,
  'Forged alert': `
    e2e/alerts > An alert > is refused with 401 without the credentials of its source, and stored nowhere
    shared/sources/read-notification > A copy of a signed notification >
      of $type is the same alert with any other headers
    e2e/alerts > The alias for alerts > does not accept %s
    infra/aws/alert-dispatch > A deployment with rules > lets the receiver send messages, and call nothing`,
  'Storm of alerts': `
    e2e/alerts > A storm of alerts > is stored before the answer, and makes few calls for a group
    shared/dispatch/dispatch > A group > makes a limited number of calls, and one for all others at the end of the period`,
  'Page of another site': `
    shared/agents/handler >
      A page of %s gets %i from the server of a.example, before its caller is authenticated
    e2e/agent-attacks > The endpoint for agents > refuses every request without a valid token, before it reads the body
    e2e/agent-attacks > The endpoint for agents > refuses %s`,
  'Headers that differ from the body': `
    shared/agents/handler > A call whose headers name %s is refused, and not forwarded
    e2e/agent-attacks > The endpoint for agents > refuses headers that differ from the body, or from each other`,
  'Agent that approves itself': `
    shared/agents/handler > Texts of platforms > lose such links in the progress of a task, too
    e2e/agent-attacks > A result for an agent >
      never contains the link or the key with which a person decides an approval
    e2e/agent-approvals > A write of an agent >
      waits until a person approves, who sees the agent, the action and the request, and happens once`,
  'Instructions in texts of platforms': `
    shared/agents/handler > Texts of platforms > lose invisible characters and links with which a person decides
    e2e/agent-approvals > A write of an agent > is not offered if the caller may not write`,
  'Write that happens twice': `
    lifecycle/agent-key > A key of an agent >
      names one call: with other arguments it starts nothing, and the response names the task
    e2e/agents > A call of an agent > is the same call if it is repeated with its key, and happens once
    e2e/agents > A call of an agent > starts nothing if its key was used with other words, and names the task
    e2e/agent-attacks > A task of an agent > survives a crash between its creation and the first poll, and happens once`,
  'Tool without a right': `
    shared/agents/handler > A tool that the caller may not use is unknown, as if it did not exist
    e2e/agents > The tools of an agent > are unknown if the token may not call them, as if they did not exist`,
  'Person that approves its own call': `
    lifecycle/approval-sign-in > A person who is signed in >
      has the owners of the caller behind the call, too, who may not approve it either
    e2e/agent-sign-in > An agent that signs in > is not approved by this person`,
  'Token for another server, or without the scope': `
    shared/agents/sign-in > A token for the endpoint > that a caller accepts for another audience is refused here
    e2e/agent-sign-in > A token with the scope actions:read > writes nothing at the webhooks either`,
  'Call as any caller': `
    shared/core/webhook/forwarded >
      The alias for the function for agents refuses a direct call, which could name any caller, and reads nothing
    e2e/agent-attacks > The endpoint for agents >
      uses an alias of the webhooks that refuses direct calls, which could name any caller
    infra/aws/permissions > the permissions for Lambda >
      the function for agents may invoke only the alias of the webhooks that refuses direct calls`,
  'Forged payload of a task': `
    lifecycle/approval-forged > A forged payload >
      of a task without its requirements, or with others, starts nothing and asks no one`,
  'Another user of the machine': `
    e2e/private > The local AWS services > accept only the access key in a private file of the state folder
    e2e/private > A runtime with a real platform > generates a token and an approvals key at the start and keeps them
    e2e/private > A runtime with a real platform > hides its console from other users of the machine
    e2e/private > A state folder > that others can read becomes private
    infra/cli/github > webhooks github manifest > with a page on this machine >
      asks, and then saves the App that GitHub created and a caller for its action`,
  'Web page that sends requests': `
    infra/local/console/stack-operator > an operator in the console of a stack >
      cannot be another page, or a user without the key`,
  'Change of a stack by mistake': `
    infra/local/console/stack-operator > an operator in the console of a stack > cannot act with --read-only
    infra/local/console/stack-operator > the page asks before each action, names the stack, and shows the new state`,
  'Excessive permissions': `
    infra/aws/permissions > the role of the %s of %s > allows exactly the calls of its code
    infra/aws/permissions > a connection to %s: the role of the %s of %s >
      allows exactly the calls of its code for the ARNs in cdk.json
    infra/aws/nag > the validation of the CDK and cdk-nag AwsSolutions > finds nothing with all options
    infra/aws/item-keys > table items >
      %s accesses only items that the role of the %s of %s allows, and no other category`,
  'Changed item': `
    lifecycle/approval-forged > An approval > is given only with its own token
    infra/aws/item-keys > table items > a webhook may neither create nor delete an approval`,
  'Secret in a response or log': `
    e2e/masking > The credentials of a connection > do not change the text of a call that uses another connection
    e2e/masking >
      The secrets in the expressions of a connection appear in no log line, response, event or state file
    e2e/secrets > No secret value appears in a log line, response, event or state file, even if platforms echo it
    shared/redact > A registered secret > is masked in the encoding: %s
    shared/core/task/start-execution > The log of a webhook >
      does not contain the link of an approval (base path "%s", route "%s")`,
  'Guessing with a call': `
    e2e/masking > A call that contains a stored credential >
      is refused before anything is sent, and the response names the field: connection=vendor%s
    e2e/masking >
      A caller that repeatedly sends stored credentials loses its calls that start nothing, but not its other calls
    security/guesses > After three calls with a stored credential > $name has one answer, whether its guess is right or not`,
  'Known vulnerability in a dependency': `
    infra/tools/audit > reports each advisory, and fails for severe ones, of development dependencies too`,
  'Changed package': `
    infra/tools/audit > reports packages whose signature is invalid or missing, and fails`,
  'Unknown content': `
    infra/build/bundles > packages of the bundles > are listed in the bill of materials
    infra/tools/pack/locked-packages > lockedPackages > rejects a package that declares no license`,
}

const root = join(import.meta.dirname, '../..')
/** Rows of docs/threat-model.md: the name of the attack, and the files of its tests. */
const documented = [
  ...readFileSync(join(root, 'docs/threat-model.md'), 'utf8').matchAll(/^\| \*\*(.+?)\*\* \|.*?\|(.*?)\|(.*)\|$/gm),
].map(([, attack = '', tests = '', remains = '']) => ({
  attack,
  files: filesIn(tests),
  remains: remains.trim(),
}))

test('docs/threat-model.md names the files of these tests, and what remains of an attack without a test', () => {
  const withTests = documented.filter(({ files }) => files.length > 0)
  const expected = Object.entries(TESTS).map(([attack, tests]) => [attack, filesOf(tests)])
  expect(withTests.map(({ attack, files }) => [attack, files])).toEqual(expected)
  expect(documented.filter(({ files, remains }) => files.length === 0 && remains === '')).toEqual([])
})

test.each(Object.entries(TESTS))('the tests for "%s" exist', (_threat, tests) => {
  for (const [file, ...names] of pathsOf(tests)) {
    expect(namesIn(`test/${file}.test.ts`)).toContainEqual(names)
  }
})

test('Each threat has a deliberate break', () => {
  expect(Object.keys(BREAKS)).toEqual(Object.keys(TESTS))
})

test.each(Object.entries(BREAKS))('the break for "%s" fits the source, and names a test of it', (threat, change) => {
  const tests = Object.entries(TESTS).find(([name]) => name === threat)?.[1] ?? ''
  expect(pathsOf(tests)).toContainEqual(change.test.split(' > '))
  expect(readFileSync(join(root, change.file), 'utf8').split(change.from)).toHaveLength(2)
  expect(change.to).not.toBe(change.from)
})
