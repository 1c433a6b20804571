// Creates the workflow in Dynatrace, or updates it. Run it in the folder of the project.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

const WORKFLOWS = '/platform/automation/v1/workflows'
/** With an id of its own, a second run updates the workflow. */
const ID = 'e3a1c0de-7b52-4c1f-9d0a-5f2b8c6d4e91'

const webhooks = variable('WEBHOOKS_URL', 'the output ApiUrl of the stack').replace(/(\/v1)?\/?$/, '')
const environment = variable('DYNATRACE_URL', 'your environment, such as https://abc12345.apps.dynatrace.com')
const token = variable('DYNATRACE_TOKEN', 'a platform token with the scope automation:workflows:write')

const text = readFileSync(new URL('workflow.yaml', import.meta.url), 'utf8')
const { workflow } = parse(text.replaceAll('https://webhooks.example.com', webhooks))
// Dynatrace derives the other fields of the trigger from these.
const { isActive, triggerConfiguration } = workflow.trigger.eventTrigger
const body = { ...workflow, trigger: { eventTrigger: { isActive, triggerConfiguration } } }

let response = await send('PUT', `${WORKFLOWS}/${ID}`, body)
const isNew = response.status === 404
if (isNew) response = await send('POST', WORKFLOWS, { id: ID, ...body })
if (!response.ok) fail(`Dynatrace responded with ${response.status}: ${await response.text()}`)
const page = new URL(`/ui/apps/dynatrace.automations/workflows/${ID}`, environment)
console.log(`${isNew ? 'Created' : 'Updated'} the workflow "${workflow.title}": ${page}`)

function variable(name, meaning) {
  return process.env[name]?.trim() || fail(`${name} is not set. Set it to ${meaning}.`)
}

async function send(method, path, content) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  try {
    // The API takes no null.
    const json = JSON.stringify(content, (_name, value) => value ?? undefined)
    return await fetch(new URL(path, environment), { method, headers, body: json })
  } catch (error) {
    // Its message may quote the token.
    return fail(`Cannot send a request to ${environment}: ${error.cause?.code ?? error.name}`)
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
