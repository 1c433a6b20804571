import { parse, YAMLParseError } from 'yaml'

/** A request with its parts, as v1beta1 has it. Keptn takes it in a v1alpha1 file too, and does not check it there. */
export interface WebhookRequest {
  url: string
  method: string
  headers: { key: string; value: string }[]
  payload: string
  options: string
}

/** One subscription: an event type and the requests that it runs. A string is a whole curl command (v1alpha1). */
export interface Webhook {
  type: string
  subscriptionID: string
  sendStarted: boolean
  sendFinished: boolean
  envFrom: { name: string; secretName: string; secretKey: string }[]
  requests: (string | WebhookRequest)[]
}

/** The file is one that Keptn refuses; the message is Keptn's own. */
export class WebhookConfigError extends Error {
  override readonly name = 'WebhookConfigError'
}

/** The file is no webhook.yaml at all: not YAML, or a field of the wrong kind. */
export class UnreadableConfigError extends Error {
  override readonly name = 'UnreadableConfigError'
}

const beta = 'webhookconfig.keptn.sh/v1beta1'
const alpha = 'webhookconfig.keptn.sh/v1alpha1'
const methods = ['POST', 'PUT', 'GET', 'HEAD']

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const refuse = (what: string): never => {
  throw new WebhookConfigError(`Webhook configuration invalid: ${what}`)
}

/**
 * Reads a webhook.yaml as webhook-service does, with its defaults: sendStarted true, sendFinished false (protocol section 1).
 * @throws WebhookConfigError with Keptn's own text where Keptn refuses the file
 * @throws UnreadableConfigError where it is not YAML or not of the shape of a webhook.yaml
 */
export function parseWebhookConfig(text: string): Webhook[] {
  const file = readYaml(text)
  const spec = isFields(file['spec']) ? file['spec'] : {}
  const webhooks = list(spec, 'webhooks').map(readWebhook)
  if (webhooks.length === 0) refuse("missing 'webhooks[]' part")
  for (const { type, subscriptionID, requests } of webhooks) {
    if (type === '') refuse("missing 'webhooks[].Type' part")
    if (subscriptionID === '') refuse("missing 'webhooks[].SubscriptionID' part")
    if (requests.length === 0) refuse("missing 'webhooks[].Requests[]' part")
  }
  const version = scalar(file, 'apiVersion')
  if (version !== beta && version !== alpha) refuse(`unsupported webhook configuration version '${version}'`)
  return webhooks.map((webhook) => ({
    ...webhook,
    requests: webhook.requests.map((request) => (version === beta ? checkedRequest(request) : alphaRequest(request))),
  }))
}

function readYaml(text: string): Fields {
  try {
    const file: unknown = parse(text)
    if (isFields(file)) return file
  } catch (error) {
    const reason = error instanceof YAMLParseError ? error.message.split('\n')[0]?.replace(/:$/, '') : String(error)
    throw new UnreadableConfigError(`the webhook configuration is not YAML: ${reason}`)
  }
  throw new UnreadableConfigError('the webhook configuration is not a YAML mapping')
}

function list(fields: Fields, name: string): unknown[] {
  const value = fields[name]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new UnreadableConfigError(`${name} must be a list`)
  return value
}

function scalar(fields: Fields, name: string): string {
  const value = fields[name]
  if (value === undefined || value === null) return ''
  if (typeof value === 'object') throw new UnreadableConfigError(`${name} must be a text`)
  return String(value)
}

/** Where Go expects a bool, its YAML reader takes the words of YAML 1.1 too. */
function flag(fields: Fields, name: string, otherwise: boolean): boolean {
  const word = scalar(fields, name)
  if (word === '') return otherwise
  if (/^(true|yes|on|y)$/i.test(word)) return true
  if (/^(false|no|off|n)$/i.test(word)) return false
  throw new UnreadableConfigError(`${name} must be true or false, not ${word}`)
}

function readWebhook(value: unknown): Omit<Webhook, 'requests'> & { requests: unknown[] } {
  const fields = isFields(value) ? value : {}
  return {
    type: scalar(fields, 'type'),
    subscriptionID: scalar(fields, 'subscriptionID'),
    sendStarted: flag(fields, 'sendStarted', true),
    sendFinished: flag(fields, 'sendFinished', false),
    envFrom: list(fields, 'envFrom').map((entry) => {
      const secret = isFields(entry) ? entry : {}
      const reference = isFields(secret['secretRef']) ? secret['secretRef'] : {}
      return {
        name: scalar(secret, 'name'),
        secretName: scalar(reference, 'name'),
        secretKey: scalar(reference, 'key'),
      }
    }),
    requests: list(fields, 'requests'),
  }
}

/** A v1alpha1 request that is not a curl command becomes a request with parts; what it lacks stays empty. */
const alphaRequest = (request: unknown): string | WebhookRequest =>
  typeof request === 'string' ? request : readRequest(request)

/** Keptn finds a request's fields in any case, and drops, without a word, a value that is not a text. */
function text(fields: unknown, name: string): string {
  if (!isFields(fields)) return ''
  const key = Object.keys(fields).find((candidate) => candidate.toLowerCase() === name)
  const value = key === undefined ? undefined : fields[key]
  return typeof value === 'string' ? value : ''
}

function readRequest(value: unknown): WebhookRequest {
  const headersKey = isFields(value) ? Object.keys(value).find((key) => key.toLowerCase() === 'headers') : undefined
  const headers = isFields(value) && headersKey !== undefined ? value[headersKey] : undefined
  return {
    url: text(value, 'url'),
    method: text(value, 'method'),
    headers: (Array.isArray(headers) ? headers : []).map((entry) => ({
      key: text(entry, 'key'),
      value: text(entry, 'value'),
    })),
    payload: text(value, 'payload'),
    options: text(value, 'options'),
  }
}

function checkedRequest(value: unknown): WebhookRequest {
  const request = readRequest(value)
  if (request.url === '') refuse('webhook request URL empty')
  if (request.method === '') refuse('webhook request method empty')
  if (!methods.includes(request.method)) refuse('unsupported webhook request method')
  if (request.headers.some(({ key, value: content }) => key === '' || content === '')) {
    refuse('webhook request header or value empty')
  }
  return request
}
