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
  /** Signs links and buttons of approvals. */
  approvalsKey: 'sandbox-approvals-key-0123456789abcdef',
  /** The token of the GitHub that the sandbox plays. */
  githubToken: 'sandbox-github-token',
  /** The user of the ServiceNow that the sandbox plays, and an OAuth token that stands for the same. */
  serviceNow: {
    username: 'sandbox.integration',
    password: 'sandbox-servicenow-password',
    token: 'sandbox-servicenow-token',
  },
  /**
   * Two tokens of the Unleash that the sandbox plays: of the service account, which must ask for changes where they have
   * to be approved, and of the person who approves them.
   */
  unleash: { token: 'sandbox-unleash-token', reviewerToken: 'sandbox-unleash-reviewer-token' },
  /** The personal access token of the Databricks that the sandbox plays. */
  databricksToken: 'sandbox-databricks-token',
  /** The API token of the Rundeck that the sandbox plays. */
  rundeckToken: 'sandbox-rundeck-token',
  /** The bot token of the app in the Slack that the sandbox plays, and the secret that signs what people click there. */
  slack: { token: 'sandbox-slack-bot-token', signingSecret: 'sandbox-slack-signing-secret' },
  /** The API token of the Dynatrace that the sandbox plays: a name and a secret, as there, but far shorter than a real one. */
  dynatraceToken: 'dt0c01.SANDBOX.SANDBOX-DYNATRACE-TOKEN',
  /** The token of somebody's own tool that the sandbox plays. */
  toolToken: 'sandbox-tool-7f3a9c52',
} as const

/** Where `npm start` listens unless `WEBHOOKS_PORT` says otherwise. */
export const defaultUrl = 'http://127.0.0.1:8787'
