import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { CategoryFunction } from './category-function.ts'
import type { Finisher } from './finisher.ts'

/**
 * What is asked of the logs of a deployment, in the language of CloudWatch Logs Insights. Their fields are those of the lines
 * that `shared/core/` writes; docs/operate.md says which line has which.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 */
export const queries = {
  /** Also those of silent calls, which end with their answer. */
  'finished by result': `filter ispresent(outcome.result)
| stats count(*) as finished by action, outcome.status, outcome.result
| sort finished desc`,

  /** Each try that failed counts: a platform that is down shows at once, while its tasks still wait for it. */
  'errors by provider': `filter ispresent(provider) and failure in ["refused", "credentials", "doubtful", "platform", "timeout"]
| stats count(*) as failures, max(@timestamp) as last by provider, connection, failure
| sort failures desc`,

  /** That began in the time that is looked at. */
  'oldest open tasks': `filter message in ["task started", "task ended"]
| stats min(@timestamp) as began, count(outcome.result) as ends, earliest(action) as does, earliest(provider) as at by taskId
| filter ends = 0
| sort began asc
| limit 20`,

  /** The id is the one of the answer 202, of \`statusUrl\`, and the name of the durable execution. */
  'what a task did': `filter taskId = "<task id>"
| fields @timestamp, level, message, failure, reason, outcome.result, detail
| sort @timestamp asc`,

  'failed requests': `filter message = "request" and status >= 500
| fields @timestamp, status, path, failure, detail, caller, connection, requestId
| sort @timestamp desc
| limit 50`,

  /** Lambda writes of a crash and of a time-out in words of its own. */
  errors: `filter level = "ERROR" or @message like /Task timed out|Runtime exited|Runtime\\.[A-Z]/
| fields @timestamp, @log, message, taskId, reason, error.name, error.message, @message
| sort @timestamp desc
| limit 50`,
} as const

export type QueryName = keyof typeof queries

export interface SavedQueriesProps {
  stackName: string
  logGroups: string[]
}

/** The queries, to be opened in CloudWatch > Logs Insights > Saved queries with their log groups chosen. */
export class SavedQueries extends Construct {
  constructor(scope: Construct, id: string, { stackName, logGroups }: SavedQueriesProps) {
    super(scope, id)
    for (const [name, queryString] of Object.entries(queries))
      new CfnQueryDefinition(this, idOf(name), {
        // What stands before a slash is shown as a folder.
        name: `${stackName}/${name}`,
        queryString,
        logGroupNames: logGroups,
      })
  }
}

/** The logs of all functions. */
export function logGroupsOf(categories: CategoryFunction[], finisher: Finisher): string[] {
  const functions = [...categories.flatMap(({ webhook, task }) => [webhook.fn, task.fn]), finisher.durable.fn]
  return functions.map(({ logGroup }) => logGroup.logGroupName)
}

function idOf(name: string): string {
  return name.replace(/(?:^|\s)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
