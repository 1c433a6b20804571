import { parseCurl } from './curl.ts'
import {
  type Draft,
  type DraftOptions,
  type DraftRequest,
  draftOf,
  ExpressionWriter,
  isReading,
  requestName,
  splitUrl,
  withId,
} from './draft.ts'

/**
 * Creates the draft of a connection from a curl command.
 *
 * @throws UsageError
 */
export function draftFromCurl(text: string, options: DraftOptions, environment: NodeJS.ProcessEnv): Draft {
  const { method, url, headers, credentials, body } = parseCurl(text, environment)
  const name = requestName(options)
  const writer = new ExpressionWriter(options)
  const { baseUrl, path } = splitUrl(url, options.known['baseUrl'])
  const query = writer.values(url.searchParams, `${name}.query`)
  const request: DraftRequest = {
    ...(method === (body || !isReading(name) ? 'POST' : 'GET') ? {} : { method }),
    path: writer.path(withId(path, name), `${name}.path`),
    ...(Object.keys(query).length > 0 ? { query } : {}),
    ...(body && 'json' in body ? { body: writer.value(body.json, `${name}.body`) } : {}),
    ...(body && 'form' in body ? { form: writer.value(body.form, `${name}.form`) } : {}),
    ...(body && 'text' in body ? { text: writer.value(body.text, `${name}.text`) } : {}),
  }
  const connection = { baseUrl, ...credentials, ...(Object.keys(headers).length > 0 ? { headers } : {}) }
  const { secrets, notes } = writer
  return { values: draftOf(options, request, connection, { secrets }), placeholders: {}, notes }
}
