import { definePlatform } from '../../../../infra/testing/define-platform.ts'
import type { Reply } from '../../../../infra/testing/loopback-server.ts'
import { basic, requireHeader } from '../../../../infra/testing/require-header.ts'
import { startWith, type WriteRow } from '../../../conformance/row.ts'

export const akamasUser = { username: 'keptn', password: 'of-akamas-and-secret' }

const REQUIRED = ['study-id', 'type', 'shkeptncontext', 'triggeredid', 'project', 'stage', 'service']

/**
 * The webhook of Akamas for Keptn: a Flask application that answers plain text.
 *
 * @see https://github.com/akamaslabs/keptn-webhook/blob/main/webhook.py
 */
export const akamasServer = definePlatform({
  state: () => ({
    /** Requests that started a study, by study id. */
    studies: new Map<string, Record<string, unknown>>(),
    /** Whether the bridge finds Akamas. */
    isReachable: true,
  }),
  headers: { 'content-type': 'text/html; charset=utf-8' },
  refuses: requireHeader(
    'authorization',
    basic(akamasUser.username, akamasUser.password),
    text(401, 'User/password combination is wrong'),
  ),
  routes: {
    'POST /v1/study-run': ({ state: { studies, isReachable }, body }) => {
      if (!isReachable) return text(500, 'The connection to Akamas can not be established, check the services.')
      // Akamas reads every parameter, and Flask rejects a request without one of them.
      if (REQUIRED.some((name) => typeof body[name] !== 'string')) return page(500, 'Internal Server Error')
      if (studies.has(body['study-id'])) return text(422, 'Study is already running, wait for completion')
      studies.set(body['study-id'], body)
      return text(200, 'Request parsed')
    },
    'GET /v1/study-run': () => page(405, 'Method Not Allowed'),
  },
  notFound: page(404, 'Not Found'),
})

function page(status: number, title: string): Reply {
  return text(status, `<!doctype html>\n<title>${status} ${title}</title>`)
}

function text(status: number, body: string): Reply {
  return { status, body }
}

export const writeRow = {
  action: 'start-model',
  writes: /^POST /,
  needsTask: true,
  delegates: true,
  start: startWith(akamasServer, ({ url: baseUrl }) => ({
    connection: { baseUrl, ...akamasUser, mode: 'delegate' },
    input: { target: 'd4f5b7a2-1e6b-4b43-b6a5-7a3e8c1b2d3f' },
  })),
} satisfies WriteRow
