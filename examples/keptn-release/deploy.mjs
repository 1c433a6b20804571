// Creates the project, its secret and its subscriptions in Keptn. Run it in the folder of the project, after keptn auth. The arguments
// are those of keptn create project that name your Git repository: --git-remote-url=.. --git-user=.. --git-token=..
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'

const webhooks = variable('WEBHOOKS_URL', 'the output ApiUrl of the stack').replace(/(\/v1)?\/?$/, '')
const token = variable('WEBHOOKS_TOKEN', 'the output of: npx webhooks token create keptn --orchestrator keptn')
const api = variable('KEPTN_API', 'the API of Keptn, such as https://keptn.example.com/api')
const apiToken = variable('KEPTN_TOKEN', 'the API token of Keptn')

const { project, service } = JSON.parse(read('event.json')).data
const config = read('webhook.yaml').replaceAll('https://webhooks.example.com', webhooks)
if (await isMissing('GET', `/controlPlane/v1/project/${project}`)) {
  const shipyard = join(import.meta.dirname, 'shipyard.yaml')
  keptn('create', 'project', project, `--shipyard=${shipyard}`, ...process.argv.slice(2))
  keptn('create', 'service', service, `--project=${project}`)
}
const folder = mkdtempSync(join(tmpdir(), 'keptn-release-'))
process.on('exit', () => rmSync(folder, { recursive: true }))
const resource = join(folder, 'webhook.yaml')
writeFileSync(resource, config)
const place = [`--project=${project}`, `--service=${service}`, '--all-stages']
keptn('add-resource', ...place, `--resource=${resource}`, '--resourceUri=webhook/webhook.yaml')

const secret = { name: 'webhooks', scope: 'keptn-webhook-service', data: { token } }
if (await isMissing('PUT', '/secrets/v1/secret', secret)) await send('POST', '/secrets/v1/secret', secret)

const registrations = '/controlPlane/v1/uniform/registration'
const [registered] = await (await send('GET', `${registrations}?name=webhook-service`)).json()
if (!registered) fail('The webhook-service of Keptn does not run.')
for (const { type, subscriptionID } of parse(config).spec.webhooks)
  await send('PUT', `${registrations}/${registered.id}/subscription/${subscriptionID}`, {
    event: type,
    filter: { projects: [project] },
  })
console.log(
  `Keptn calls ${webhooks} for the tasks of ${project}. Start a release: keptn send event --file examples/keptn-release/event.json`,
)

function read(name) {
  return readFileSync(join(import.meta.dirname, name), 'utf8')
}

function keptn(...args) {
  const { status, error } = spawnSync('keptn', args, { stdio: 'inherit' })
  if (status !== 0) fail(`keptn ${args.slice(0, 2).join(' ')} failed${error ? `: ${error.message}` : '.'}`)
}

function variable(name, meaning) {
  return process.env[name]?.trim() || fail(`${name} is not set. Set it to ${meaning}.`)
}

/** Sends a request, and returns whether what it names does not exist. */
async function isMissing(method, path, content) {
  return (await send(method, path, content, 404)).status === 404
}

/** Ends the script if the status of the response is an error that is not expected. */
async function send(method, path, content, expected) {
  const headers = { 'x-token': apiToken, 'content-type': 'application/json' }
  const body = content && JSON.stringify(content)
  const response = await fetch(`${api}${path}`, { method, headers, body }).catch((error) =>
    // Its message may quote the token.
    fail(`Cannot send a request to ${api}: ${error.cause?.code ?? error.name}`),
  )
  if (!response.ok && response.status !== expected)
    fail(`Keptn responded to ${method} ${path} with ${response.status}: ${await response.text()}`)
  return response
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
