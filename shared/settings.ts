/** What the deployment tells a function, the same way on AWS and locally. Read when used, never at import. */
export const settings = {
  /** First part of every secret's name. */
  get secretPrefix(): string {
    return process.env['WEBHOOKS_SECRET_PREFIX'] ?? 'cloud-automation-webhooks'
  },
  /** The durable function of this category, with its alias: `<name or ARN>:live`. */
  get taskFunction(): string {
    return required('WEBHOOKS_TASK_FUNCTION')
  },
  /** The name of the DynamoDB table that stores the state of calls, tasks and approvals. */
  get stateTable(): string {
    return required('WEBHOOKS_STATE_TABLE')
  },
  /** When an interactive call gives up that sets no deadline, as an ISO 8601 duration; undefined: the action's own. */
  get deadline(): string | undefined {
    return process.env['WEBHOOKS_DEADLINE'] || undefined
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
