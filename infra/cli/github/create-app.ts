import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as z from 'zod/mini'
import { Http } from '../../../shared/http/client.ts'
import { segment } from '../../../shared/http/segment.ts'
import { githubSecret } from '../../../shared/orchestrators/github/secret.ts'
import { registerSecret } from '../../../shared/redact.ts'
import { escapeHtml } from '../../../shared/text/escape-html.ts'
import { toPlainText } from '../../../shared/text/plain-text.ts'
import { validate } from '../../../shared/validate.ts'
import { UsageError } from '../../project/usage-error.ts'
import { readStoredCallers, writeCallers } from '../secrets/callers.ts'
import type { SecretStore } from '../secrets/secret-store.ts'
import { secretName } from '../secrets/secret-store.ts'
import { note } from '../terminal/output.ts'
import { apiUrlOf, type Manifest } from './manifest.ts'

interface Creation {
  /** Name of the orchestrator and of its caller. */
  name: string
  /** `<category>/<action>` */
  action: string
  manifest: Manifest
  /** The page of GitHub that creates the App. */
  page: string
  site: string
  /** The organization that must own the App, and the only connection that its calls may use. */
  organization?: string | undefined
  connection?: string | undefined
  /** Whether to save the created App. */
  confirm: (question: string) => Promise<boolean>
  /** More fields of the secret of the orchestrator. */
  settings: Pick<z.input<typeof githubSecret>, 'report' | 'input' | 'repositories'>
}

const createdApp = z.object({
  client_id: z.string(),
  name: z.string(),
  owner: z.object({ login: z.string() }),
  html_url: z.string(),
  pem: z.string(),
  webhook_secret: z.string(),
})

/**
 * Creates a GitHub App: serves a page with the manifest, which the browser sends to GitHub, and waits for GitHub's redirect.
 * Saves the App as an orchestrator after a confirmation, and a caller that may call its action only, unless the caller exists.
 *
 * @returns the saved secrets: none without a confirmation
 * @see https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
 */
export async function createApp(
  store: SecretStore,
  { name, action, manifest, page, site, organization, connection, confirm, settings }: Creation,
): Promise<{ saved: string[]; htmlUrl: string }> {
  // GitHub returns the key once, so what can fail comes before it.
  const callers = await readStoredCallers(store)
  const known = Object.hasOwn(callers, name) ? callers[name] : undefined
  if (known && known.orchestrator !== name)
    throw new UsageError(`The caller ${name} exists, but has another orchestrator. Select another name.`)
  const secret = { type: 'github', baseUrl: apiUrlOf(site), caller: name, ...settings } as const
  const unsaved = { ...secret, appId: 'x', privateKey: '-'.repeat(16), webhookSecret: '-'.repeat(16) }
  validate(githubSecret, unsaved, { what: 'The orchestrator' })
  const code = await receiveCode(manifest, page)
  const http = new Http({ platform: 'GitHub', baseUrl: apiUrlOf(site) })
  const path = `app-manifests/${segment(code)}/conversions`
  const { body: created } = await http.post(path, undefined, { schema: createdApp, urlAlias: 'the conversion URL' })
  const { client_id: appId, pem: privateKey, webhook_secret: webhookSecret, html_url: htmlUrl } = created
  registerSecret(privateKey)
  registerSecret(webhookSecret)
  const owner = created.owner.login
  // Another user of this machine could have sent the code of an own App, whose owner could sign calls.
  if (organization !== undefined && owner.toLowerCase() !== organization.toLowerCase())
    throw new UsageError(
      `The App belongs to ${toPlainText(owner)} instead of ${organization}. Nothing was saved. Run the command again.`,
    )
  const app = `the App "${toPlainText(created.name)}" of ${toPlainText(owner)} (${toPlainText(htmlUrl)})`
  if (!(await confirm(`GitHub created ${app}. Save it?`))) return { saved: [], htmlUrl }
  const orchestrator = `orchestrators/${name}`
  await store.put(orchestrator, { ...secret, appId, privateKey, webhookSecret })
  if (known) return { saved: [secretName(orchestrator)], htmlUrl }
  const [category = ''] = action.split('/')
  // A delivery signs its body, and not the connection in its URL.
  const limits = connection === undefined ? {} : { allowConnections: { [category]: [connection] } }
  const caller = { tokens: [], categories: [category], allow: [action], ...limits, orchestrator: name }
  await writeCallers(store, { ...callers, [name]: caller })
  return { saved: [secretName(orchestrator), secretName('callers')], htmlUrl }
}

/** Serves the page, and returns the code in GitHub's redirect. */
async function receiveCode(manifest: Manifest, page: string): Promise<string> {
  // Another page could send a code of its own, and another user of this machine could read the state in the page.
  const state = randomBytes(16).toString('base64url')
  const path = `/${randomBytes(16).toString('base64url')}`
  const received = Promise.withResolvers<string>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (!isLocal(request)) return respond(response, 403, 'Forbidden')
    if (url.pathname === `${path}/`)
      return respond(response, 200, formOf({ ...manifest, redirect_url: callbackUrl() }, page, state))
    const code = url.searchParams.get('code')
    if (url.pathname !== `${path}/created` || code === null || url.searchParams.get('state') !== state)
      return respond(response, 404, 'Not found')
    respond(response, 200, '<p>The GitHub App was created. Continue in the terminal.</p>')
    received.resolve(code)
  })
  const callbackUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}/created`
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  note(`Open this page and create the App: ${new URL('.', callbackUrl())}`)
  try {
    return await received.promise
  } finally {
    server.close()
    server.closeIdleConnections()
  }
}

/** Whether the browser of this machine opened the page by its address: DNS rebinding has another host. */
function isLocal({ headers }: IncomingMessage): boolean {
  return /^127\.0\.0\.1:\d+$/.test(headers.host ?? '')
}

function formOf(manifest: Manifest, page: string, state: string): string {
  const action = `${page}?state=${encodeURIComponent(state)}`
  return `<!doctype html><meta charset="utf-8"><title>Create a GitHub App</title>
<h1>Create ${escapeHtml(manifest.name)}</h1>
<pre>${escapeHtml(JSON.stringify(manifest, null, 2))}</pre>
<form action="${escapeHtml(action)}" method="post">
<input type="hidden" name="manifest" value="${escapeHtml(JSON.stringify(manifest))}">
<button>Continue on GitHub</button>
</form>`
}

function respond(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', connection: 'close' })
  response.end(body)
}
