/** The environment variables that the stack or the local runtime sets. Read when used, never at import. */
export const settings = {
  /** Prefix of all secret names. */
  get secretPrefix(): string {
    return process.env['WEBHOOKS_SECRET_PREFIX'] ?? 'cloud-automation-webhooks'
  },
  /** The durable function of this category, with its alias: `<name or ARN>:live`. */
  get taskFunction(): string {
    return required('WEBHOOKS_TASK_FUNCTION')
  },
  /** The durable function of `notification`, which asks people for approvals: `<name or ARN>:live`. Undefined if there is none. */
  get askingFunction(): string | undefined {
    const name = process.env['WEBHOOKS_ASKING_FUNCTION']
    return (name === 'self' ? `${process.env['AWS_LAMBDA_FUNCTION_NAME']}:live` : name) || undefined
  },
  /** The name of the DynamoDB table that stores the state of calls, tasks and approvals. */
  get stateTable(): string {
    return required('WEBHOOKS_STATE_TABLE')
  },
  /** The file with what `events.yaml` declares, as JSON. Undefined if this function does not need it. */
  get eventsFile(): string | undefined {
    return process.env['WEBHOOKS_EVENTS_FILE'] || undefined
  },
  /** The URL of the queue for alerts. */
  get alertQueue(): string {
    return required('WEBHOOKS_ALERT_QUEUE')
  },
  /** The URL of the queue for alerts that could not be handled. */
  get alertDeadLetters(): string {
    return required('WEBHOOKS_ALERT_DEAD_LETTERS')
  },
  /** The file with the compiled policy. Undefined if the deployment has none. */
  get policyFile(): string | undefined {
    return process.env['WEBHOOKS_POLICY_FILE'] || undefined
  },
  /** The function that answers for the policy of today. Undefined in the local runtime, whose code and policy are always those of today. */
  get policyFunction(): string | undefined {
    return process.env['WEBHOOKS_POLICY_FUNCTION'] || undefined
  },
  /** Default deadline of interactive calls, as an ISO 8601 duration. Defaults to the action's deadline. */
  get deadline(): string | undefined {
    return process.env['WEBHOOKS_DEADLINE'] || undefined
  },
  /** How long an approval may wait before an alarm, as an ISO 8601 duration. Undefined if there is no alarm. */
  get approvalAlarm(): string | undefined {
    return process.env['WEBHOOKS_APPROVAL_ALARM'] || undefined
  },
  /** The orchestrators whose failed deliveries are requested again. */
  get redeliver(): string[] {
    return (process.env['WEBHOOKS_REDELIVER'] ?? '').split(',').filter(Boolean)
  },
  /** The URL of the API, without `/v1`. */
  get apiUrl(): string {
    return required('WEBHOOKS_URL')
  },
  /** The categories that the schedule verifies. */
  get verifiedCategories(): string[] {
    return (process.env['WEBHOOKS_VERIFY'] ?? '').split(',').filter(Boolean)
  },
  /** The newest version of the webhook of each category, `<name of the function>:<number>`, for the hook of CodeDeploy. */
  get newVersions(): Record<string, string> {
    return JSON.parse(required('WEBHOOKS_NEW_VERSIONS'))
  },
  /** The file with the tools for agents, as JSON. */
  get toolsFile(): string {
    return required('WEBHOOKS_TOOLS_FILE')
  },
  /** The webhook of each category that other functions invoke, with the alias for them: `<name or ARN>:http`. */
  get webhookFunctions(): Record<string, string> {
    return JSON.parse(required('WEBHOOKS_WEBHOOK_FUNCTIONS'))
  },
  /** The URL of the endpoint for agents, for which people and programs get tokens. Undefined without a custom domain. */
  get mcpUrl(): string | undefined {
    return process.env['WEBHOOKS_MCP_URL'] || undefined
  },
  /** The namespace of the metrics. Without it, there are none. */
  get metricsNamespace(): string | undefined {
    return process.env['WEBHOOKS_METRICS_NAMESPACE'] || undefined
  },
  /** Whether there are metrics that no alarm needs. */
  get hasUsageMetrics(): boolean {
    return process.env['WEBHOOKS_USAGE_METRICS'] === 'true'
  },
  /** Whether requests and steps are part of X-Ray traces. */
  get isTraced(): boolean {
    return process.env['WEBHOOKS_TRACING'] === 'true'
  },
  /** The source of the events with audit records. Without it, there are none. */
  get auditEventSource(): string | undefined {
    return process.env['WEBHOOKS_AUDIT_EVENTS'] || undefined
  },
  get logLevel(): 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' {
    const level = process.env['WEBHOOKS_LOG_LEVEL']
    return level === 'DEBUG' || level === 'WARN' || level === 'ERROR' ? level : 'INFO'
  },
}

function required(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`The environment variable ${name} is not set: the stack or the local runtime sets it.`)
  return value
}
