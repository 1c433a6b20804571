import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { BundleFunction } from './bundle-function.ts'

/**
 * Queries in the language of CloudWatch Logs Insights. The fields are those of the log lines of `shared/core/`, see
 * docs/operate.md.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 */
export const queries = {
  /** Includes silent calls. */
  'finished by result': `filter ispresent(outcome.result)
| stats count(*) as finished by action, outcome.status, outcome.result
| sort finished desc`,

  /** Counts each failed attempt, so that a platform that is down appears while its tasks still retry. */
  'errors by provider': `filter ispresent(provider) and kind in ["refused", "credentials", "unconfirmed", "platform", "timeout"]
| stats count(*) as failures, max(@timestamp) as last by provider, connection, kind
| sort failures desc`,

  /** Started in the time range. */
  'oldest open tasks': `filter message in ["task started", "task ended"]
| stats min(@timestamp) as startedAt, count(outcome.result) as ends, earliest(action) as taskAction, earliest(provider) as taskProvider by taskId
| filter ends = 0
| sort startedAt asc
| limit 20`,

  /** The task id is in the 202 response. */
  'what a task did': `filter taskId = "<task id>"
| fields @timestamp, level, message, attempt, kind, reason, outcome.result
| sort @timestamp asc`,

  'failed requests': `filter message = "request" and status >= 500
| fields @timestamp, status, path, kind, reason, caller, connection, requestId
| sort @timestamp desc
| limit 50`,

  'audit trail': `filter ispresent(audit)
| fields @timestamp, audit, caller, by, category, action, connection, mode, taskId, outcome, kind, durationMs
| sort @timestamp desc
| limit 1000`,

  /** Includes the messages of Lambda about crashes and timeouts, and those of its runtime client for Node.js. */
  errors: `filter level = "ERROR" or @message like /Task timed out|Runtime exited|Runtime\\.[A-Z]|(Init|Invoke) Error/
| fields @timestamp, @log, message, taskId, reason, error.name, error.message, @message
| sort @timestamp desc
| limit 50`,
} as const

export type QueryName = keyof typeof queries

export interface SavedQueriesProps {
  stackName: string
  logGroups: string[]
}

/** Saves the queries in CloudWatch > Logs Insights > Saved queries. */
export class SavedQueries extends Construct {
  constructor(scope: Construct, id: string, { stackName, logGroups }: SavedQueriesProps) {
    super(scope, id)
    for (const [name, queryString] of Object.entries(queries))
      new CfnQueryDefinition(this, idOf(name), {
        // CloudWatch shows the part before the slash as a folder.
        name: `${stackName}/${name}`,
        queryString,
        logGroupNames: logGroups,
      })
  }
}

/** Returns the log groups of all functions that a stack has so far. */
export function logGroupsOf(stack: Construct): string[] {
  return stack.node
    .findAll()
    .flatMap((construct) => (construct instanceof BundleFunction ? [construct.fn.logGroup.logGroupName] : []))
}

function idOf(name: string): string {
  return name.replace(/(?:^|\s)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
