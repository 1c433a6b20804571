import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { temporaryFolder } from '../../temporary-folder.ts'
import { aws } from './aws.ts'
import { webhooks } from './webhooks.ts'

const tool = {
  provider: 'http',
  baseUrl: 'http://127.0.0.1:9',
  token: 'a-token-of-the-api',
  open: { path: 'tickets' },
  find: { path: 'tickets' },
  get: { path: 'tickets/{input.id}' },
  ticket: { id: 'response.id', state: 'response.state', closed: "response.state=='closed'" },
}
const github = { provider: 'github', baseUrl: 'http://127.0.0.1:9', token: 'a-token-of-the-api' }
const files = { 'response.json': '{}', 'broken.json': '{"half' }

aws.store('callers', { there: { tokens: [`sha256:${'a'.repeat(64)}`], categories: ['*'] } })
aws.store('connections/issue-ticketing/tool', tool)
aws.store('connections/issue-ticketing/github', github)
const folder = temporaryFolder()
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)

const aJira = '{"provider":"jira","tokn":"abcdefgh"}'
const openapi = '{"paths":{"/runs":{"post":{"operationId":"startRun"}}}}'
const dangling = '{"paths":{"/runs":{"post":{"operationId":"startRun","requestBody":{"$ref":"#/nope"}}}}}'

const placeholders = JSON.stringify({ ...tool, token: '<token>', secretHeaders: { Cookie: 'session=<session>' } })

it.each<[line: string, message: string, stdin?: string]>([
  [
    'connect issue-ticketing/new --from-file -',
    'Nothing was sent or saved. Replace the placeholder in token, secretHeaders.Cookie with the credential.',
    placeholders,
  ],
  ['connect issue-ticketing/new --from-file - --dry-run', 'Replace the placeholder in token', placeholders],
  [
    'orchestrator add keptn --from-file -',
    'Replace the placeholder in token',
    '{"baseUrl":"http://127.0.0.1:9","token":"Bearer <token>"}',
  ],
  ['wait http://127.0.0.1:9/v1/slo/tasks/1', 'Run npm start, or check the statusUrl.'],
  ['wait http://192.0.2.1:bad/', 'It must be a URL'],
  ['check issue-ticketing/jira', 'no connection "issue-ticketing/jira". Connections of issue-ticketing: github'],
  ['check --try open-issue', 'test a single connection'],
  ['check issue-ticketing/github --try open-issue', 'support only the http provider, not github'],
  ['check issue-ticketing/tool --try opne-issue', 'Actions of issue-ticketing: open-issue, update-issue, close-issue'],
  ['check issue-ticketing/tool --try open-issue --input titel=a', 'input.titel'],
  ['check issue-ticketing/tool --answer response.json', '--answer requires --request'],
  ['check issue-ticketing/tool --answer response.json --request opne', '--request must be one of open, find, get.'],
  ['check issue-ticketing/tool --answer response.json --request open --try open-issue', 'Pass --try or --answer'],

  ['completion bahs', 'Did you mean bash? Allowed choices are bash, zsh, fish.'],
  ['demo agnt', 'Did you mean agent? Allowed choices are agent, release, incident, alert.'],
  ['source add gihub', 'Did you mean github? Allowed choices are '],
  ['source add nope', 'Allowed choices are '],
  ['audit --format csb', 'Did you mean csv? Allowed choices are jsonl, csv.'],
  ['tasks --state runing', 'Did you mean running?'],
  ['completion cmd', 'Allowed choices are bash, zsh, fish'],

  ['config issue-ticketing/open-isue --task a', 'Unknown action "open-isue". Did you mean "open-issue"?'],
  ['config issue-ticketing --task a', 'Write it as category/action'],
  ['config issue-ticketing/open-issue --task "a b"', 'Invalid task name "a b"'],
  ['config issue-ticketing/open-issue --task a --deadline 2h', 'deadline must be an ISO 8601 duration'],
  ['config issue-ticketing/open-issue --task a --when bad', 'must list pass, warning or fail'],
  [
    'config issue-ticketing/open-issue --task a --url http://127.0.0.1:8787',
    "Keptn would reject this webhook: curl command contains denied URL '127.0.0.1'",
  ],
  ['config issue-ticketing/open-issue --task a --only titel', 'Did you mean "title"?'],
  ['config issue-ticketing/open-issue --task a --from b', 'Actions that do: update-issue, close-issue.'],
  ['config issue-ticketing/close-issue --task a --from a', 'must name an earlier task'],
  ['config issue-ticketing/close-issue --task a --last', 'Pass --from with the earlier task'],
  ['config ci-cd/cancel --task a --last --from b', 'Pass --from or --last, not both'],
  ['config notification/ask-approval --task a', "waits for a person's decision. Pass --mode interactive"],
  ['config notification/push-update --task approval', 'A finished event for approval.triggered decides'],
  [
    'config notification/push-update --task a --suffix finished --mode interactive',
    'A finished event cannot be answered',
  ],

  ['connect issue-tiketing/default', '"issue-tiketing". Did you mean "issue-ticketing"? Categories: '],
  ['connect issue-ticketing', 'Write it as category/name, such as issue-ticketing/default'],
  ['connect issue-ticketing/Big', 'Invalid name "Big"'],
  ['connect issue-ticketing/new', 'Pass --provider, or set it in --from-file: azure-boards, github'],
  ['connect issue-ticketing/new --provider githup', 'Did you mean "github"?'],
  ['connect issue-ticketing/new --provider jira', 'There is no terminal for prompts: pass the fields with --from-file'],
  ['connect issue-ticketing/new --provider github --field token=abcdefgh', 'this field is a secret'],
  ['connect issue-ticketing/new --provider github --field nope=1', 'unknown field. Fields: baseUrl'],
  ['connect issue-ticketing/new --from-file -', '- is not JSON', 'no json'],
  ['connect issue-ticketing/new --from-file broken.json', 'broken.json is not JSON'],
  ['connect issue-ticketing/new --from-file nowhere.json', 'Cannot read nowhere.json. Check the path.'],
  ['connect issue-ticketing/new --from-file -', 'Did you mean "token"?', aJira],
  ['connect issue-ticketing/new --draft -', '--draft requires --from-curl or --from-openapi.'],
  [
    'connect issue-ticketing/new --from-curl "curl x" --from-openapi x',
    'Pass --from-curl or --from-openapi, not both.',
  ],
  ['connect issue-ticketing/new --from-openapi x startRun ci-cd/new', '--from-openapi takes a file and an operation.'],
  ['connect issue-ticketing/new --from-curl "curl x" --provider jira', 'support only the http provider, not jira'],
  ['connect issue-ticketing/new --from-curl "curl x" --request opne', '--request must be one of open, find, get'],
  ['connect issue-ticketing/new --from-curl nowhere.curl', 'Cannot read nowhere.curl'],
  ['connect issue-ticketing/new --from-curl "curl x" --draft nowhere/new.json', 'Cannot write nowhere/new.json'],
  ['connect ci-cd/new --from-openapi -', '--from-openapi requires --operation with one of startRun.', openapi],
  ['connect ci-cd/new --from-openapi - --operation nope', 'has no operation nope. It has startRun.', openapi],
  ['connect ci-cd/new --from-openapi - --operation startRun', 'Undefined reference #/nope', dangling],
  ['connect ci-cd/new --from-openapi - --operation x', 'not an OpenAPI document: it has no paths', '{"a": 1}'],
  ['connect ci-cd/new --from-openapi - --operation x', 'neither JSON nor YAML', '{"a": ['],

  ['cost --job 500', 'It must be a number of calls and a duration, such as 500@PT20M.'],
  ['cost --job 500@20m', 'The duration must be an ISO 8601 duration'],
  ['cost --silent many', 'It must be a number, such as 5000.'],

  ['github manifest gate --url https://x.example --action load-testing/start --print', 'load-testing/start-test'],
  [
    'github manifest gate --url https://x.example --action load-testing/start-test --repositories acme --yes',
    'must be owner/repo',
  ],
  ['github redeliver other', '"other"'],

  // If one of these is accepted, it must not change this checkout.
  ['new-provider issue-ticketting acme --dry-run', 'Did you mean "issue-ticketing"?'],
  ['new-provider issue-ticketing Acme --dry-run', 'such as acme'],
  ['new-provider issue-ticketing jira --dry-run', 'issue-ticketing already has a provider jira'],
  ['new-provider issue-ticketing slack --dry-run', 'notification already has a provider slack'],
  ['new-orchestrator opsgenie --dry-run', 'docs/opsgenie.md already exists'],
  ['new-provider issue-ticketing segment --dry-run', 'already uses the name segment'],
  ['new-provider incident-management acme --dry-run', 'Add --kind ticket or job'],
  ['new-provider feature-flags acme --kind job --dry-run', 'Add --kind flag'],
  ['new-category acme-desk --dry-run', "'--kind <kind>' not specified"],
  ['new-category slo --kind evaluation --dry-run', 'The category slo already exists'],
  ['new-category finisher --kind job --dry-run', 'The name finisher is reserved'],
  ['new-category access --kind thing --dry-run', 'Allowed choices are ticket, job, flag, message, evaluation'],
  ['new-orchestrator Acme --dry-run', 'such as acme'],
  ['new-orchestrator github --dry-run', 'The orchestrator github already exists'],
  ['new-orchestrator evaluate --dry-run', 'shared/orchestrators/evaluate.ts already exists'],
  ['new-orchestrator event --dry-run', 'already uses the name event'],

  ['orchestrator add keptn --from-file -', 'baseUrl is required', '{"token":"abcdefgh"}'],
  [
    'orchestrator add keptn --from-file -',
    'must have either token or oauth',
    '{"baseUrl":"https://keptn.example.com"}',
  ],
  ['orchestrator add keptn --from-file -', 'baseUrl must be a URL', '{"baseUrl":"keptn","token":"abcdefgh"}'],
  [
    'orchestrator add azure --from-file -',
    'such as https://dev.azure.com/contoso/',
    '{"type":"azure-devops","collections":["https://dev.azure.com/"],"token":"abcdefgh"}',
  ],
  ['orchestrator add keptn --from-file - --type kepn', 'Did you mean "keptn"?', '{}'],
  ['orchestrator add keptn --from-file - --type poll', 'The type poll has no settings', '{}'],

  ['orchestrator add Keptn --from-file -', 'Invalid name "Keptn"', '{}'],

  ['preview webhook.yaml', "required option '--event <event.json>' not specified"],

  ['sequence nope', 'Unknown sequence "nope". Sequences: chaos, incident, optimization,'],
  ['sequence release --orchestrator argo', 'Unknown orchestrator "argo". Did you mean'],
  ['sequence release --orchestrator argo', 'Orchestrators: keptn, argo-rollouts, '],
  ['sequence incident --orchestrator callback', 'can run the sequence release only'],
  ['sequence release --orchestrator callback --url https://x.example', 'Omit --url'],

  ['shipyard toggle=feature-flags/set-flg', 'Unknown action "set-flg"'],
  ['shipyard "a b=feature-flags/set-flag"', 'Keptn would reject the shipyard: the shipyard is not valid at'],
  ['shipyard --stage "a b"', 'Keptn would reject the shipyard: the shipyard is not valid at spec.stages.0.name'],

  ['stat', "unknown command 'stat'"],

  ['tasks --cancel', 'category/taskId'],
  ['tasks --limit 0', 'limit'],
  ['tasks remediate/1 --stack CloudAutomationWebhooks', 'Did you mean "remediation"?'],
  ['tasks slo/t --follow --url http://127.0.0.1:9', 'Cannot connect to'],

  ['token create Keptn', 'Invalid name "Keptn"'],
  ['token create keptn --categories ci-dc', 'Unknown category "ci-dc". Did you mean "ci-cd"?'],
  ['token create keptn --reads some', 'Allowed choices are own, all'],
  [
    'token create there',
    'The caller there already exists in Secrets Manager (eu-west-1). Use token rotate to give it a new',
  ],
  ['token rotate keptn', 'Secrets Manager (eu-west-1) contains no caller "keptn". Callers: there.'],
  ['token revoke there --hash 00', 'there has no token with the hash 00.'],
  ['token revoke there --hash aa', 'This is the only token of there. Run the command without --hash to delete'],

  ['token create ci --orchestrator Keptn', 'Invalid name "Keptn"'],

  ['verify --category slow', 'Did you mean "slo"?'],
])('webhooks %s exits with 2, says in one line "%s", and changes nothing', async (line, message, stdin = '') => {
  const before = [...aws.secrets]
  const { code, out, err } = await webhooks(line, { env: aws.env, cwd: folder, stdin })
  expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringContaining(message) })
  expect(err.trim().split('\n')).toHaveLength(1)
  expect(err).not.toContain('abcdefgh')
  expect([...aws.secrets]).toEqual(before)
  expect(readdirSync(folder)).toEqual(Object.keys(files).toSorted())
})
