import { parse, YAMLParseError } from 'yaml'

/** A request of v1beta1. Keptn accepts it in a v1alpha1 file, too, without validating it. */
export interface ConfiguredRequest {
  url: string
  method: string
  headers: { key: string; value: string }[]
  payload: string
  options: string
}

/** A subscription: an event type and its requests. A string is a complete curl command (v1alpha1). */
export interface Webhook {
  type: string
  subscriptionID: string
  sendStarted: boolean
  sendFinished: boolean
  envFrom: { name: string; secretName: string; secretKey: string }[]
  requests: (string | ConfiguredRequest)[]
}

/** Keptn rejects the file. The message is Keptn's own. */
export class WebhookConfigError extends Error {
  override readonly name = 'WebhookConfigError'
}

/** The file is not YAML, or a field has the wrong type. */
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
 * Parses a webhook.yaml like webhook-service, with its defaults: sendStarted true, sendFinished false.
 *
 * @throws WebhookConfigError with Keptn's message if Keptn rejects the file
 * @throws UnreadableConfigError if the file is not YAML, or a field has the wrong type
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

/** Parses a bool. Go's YAML parser accepts the words of YAML 1.1, too. */
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
      const secretRef = isFields(secret['secretRef']) ? secret['secretRef'] : {}
      return {
        name: scalar(secret, 'name'),
        secretName: scalar(secretRef, 'name'),
        secretKey: scalar(secretRef, 'key'),
      }
    }),
    requests: list(fields, 'requests'),
  }
}

/** Parses a v1alpha1 request. If it is not a curl command, its missing fields are empty. */
const alphaRequest = (request: unknown): string | ConfiguredRequest =>
  typeof request === 'string' ? request : readRequest(request)

/** Reads a field like Keptn, which ignores the case of names and silently drops values that are not text. */
function text(fields: unknown, name: string): string {
  if (!isFields(fields)) return ''
  const key = Object.keys(fields).find((candidate) => candidate.toLowerCase() === name)
  const value = key === undefined ? undefined : fields[key]
  return typeof value === 'string' ? value : ''
}

function readRequest(value: unknown): ConfiguredRequest {
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

function checkedRequest(value: unknown): ConfiguredRequest {
  const request = readRequest(value)
  if (request.url === '') refuse('webhook request URL empty')
  if (request.method === '') refuse('webhook request method empty')
  if (!methods.includes(request.method)) refuse('unsupported webhook request method')
  if (request.headers.some(({ key, value: content }) => key === '' || content === '')) {
    refuse('webhook request header or value empty')
  }
  return request
}
