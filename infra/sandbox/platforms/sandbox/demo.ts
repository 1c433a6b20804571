/**
 * The credentials of the sandbox. They open nothing but the sandbox itself, which listens on loopback only; the CLI knows
 * them too, so that every command works against `npm start` with no settings.
 */
export const demo = {
  /** The token of a webhook subscription: `Authorization: Bearer ...`. */
  callerToken: 'local-demo-token',
  /** The token for calls of people and programs, which read the results themselves. */
  plainToken: 'local-token',
  /** The API token of the sandbox's Keptn (`x-token`). */
  keptnToken: 'sandbox-keptn-api-token',
  /** The OAuth client with which the same Keptn can be called instead. */
  oauth: { clientId: 'sandbox-oauth-client', clientSecret: 'sandbox-oauth-client-secret' },
  /** Signs links and buttons of approvals. */
  approvalsKey: 'sandbox-approvals-key-0123456789abcdef',
  /** The token of the GitHub of the sandbox. */
  githubToken: 'sandbox-github-token',
  /** The user of the ServiceNow of the sandbox, and an OAuth token that stands for the same. */
  serviceNow: {
    username: 'sandbox.integration',
    password: 'sandbox-servicenow-password',
    token: 'sandbox-servicenow-token',
  },
  /**
   * The tokens of the fake Unleash: of the service account, which needs approval in the guarded environment, and of the
   * person who approves its change requests.
   */
  unleash: { token: 'sandbox-unleash-token', reviewerToken: 'sandbox-unleash-reviewer-token' },
  /** The personal access token of the Databricks of the sandbox. */
  databricksToken: 'sandbox-databricks-token',
  /** The API token of the Rundeck of the sandbox. */
  rundeckToken: 'sandbox-rundeck-token',
  /** The bot token of the app in the Slack of the sandbox, and the secret that signs what people click there. */
  slack: { token: 'sandbox-slack-bot-token', signingSecret: 'sandbox-slack-signing-secret' },
  /** The API token of the Dynatrace of the sandbox: a name and a secret, as there, but far shorter than a real one. */
  dynatraceToken: 'dt0c01.SANDBOX.SANDBOX-DYNATRACE-TOKEN',
  /** The platform token of the Dynatrace of the sandbox, and the ids of its workflows. */
  dynatracePlatformToken: 'dt0s16.SANDBOX.SANDBOX-PLATFORM-TOKEN',
  workflows: {
    release: '3f6e1c9a-52d4-4b7e-9a10-6c2d8e4f7b01',
    continuation: '8b2d4f70-1c3e-4a95-b6d7-0e9f5a1c2d02',
    guardian: 'c5d17e83-6a2b-4f09-8e74-1b3c9d0f5a03',
  },
  /** The token of the generic API. */
  toolToken: 'sandbox-tool-7f3a9c52',
} as const

/** The default address of `npm start`. */
export const defaultUrl = 'http://127.0.0.1:8787'
