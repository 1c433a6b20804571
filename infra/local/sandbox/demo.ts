/**
 * The credentials of the sandbox. They open nothing but the sandbox itself, which listens on loopback only; the CLI knows
 * them too, so that every command works against `npm start` with no settings.
 */
export const demo = {
  /** What a webhook subscription sends: `Authorization: Bearer ...`. */
  callerToken: 'local-demo-token',
  /** The API token of the Keptn that the sandbox plays (`x-token`). */
  keptnToken: 'sandbox-keptn-api-token',
  /** The OAuth client with which the same Keptn can be called instead. */
  oauth: { clientId: 'sandbox-oauth-client', clientSecret: 'sandbox-oauth-client-secret' },
  /** The token of the GitHub that the sandbox plays. */
  githubToken: 'sandbox-github-token',
} as const

/** Where `npm start` listens unless `WEBHOOKS_PORT` says otherwise. */
export const defaultUrl = 'http://127.0.0.1:8787'
