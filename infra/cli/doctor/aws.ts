import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { explainAws, NoAwsError } from '../../aws/aws-errors.ts'
import { type Finding, noteFinding, okFinding, wrongFinding } from './finding.ts'

/** The default API limit is 50 calls per second, and a silent call occupies a function for at least half a second. */
const MIN_CONCURRENCY = 100

/** Checks the Lambda concurrency limit of the account and region. New accounts have a limit of 10. */
export async function concurrency(): Promise<Finding[]> {
  const what = 'concurrency'
  try {
    const { AccountLimit } = await new LambdaClient({ maxAttempts: 2 }).send(new GetAccountSettingsCommand({}))
    const limit = AccountLimit?.ConcurrentExecutions ?? 0
    const found = `${limit} concurrent executions in this account and region`
    if (limit >= MIN_CONCURRENCY) return [okFinding(what, found)]
    return [
      noteFinding(
        what,
        `${found}; calls above this limit fail with 5xx`,
        `Request an increase: aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000`,
      ),
    ]
  } catch (error) {
    const known = explainAws(error, 'Reading the Lambda account settings')
    // `identity` reports this already.
    if (known instanceof NoAwsError) return []
    return [noteFinding(what, known.message, 'Allow lambda:GetAccountSettings to check the concurrency limit.')]
  }
}

/** Checks the AWS credentials and the region. */
export async function identity(): Promise<Finding> {
  const client = new STSClient({ maxAttempts: 2 })
  try {
    const region = await client.config.region()
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}))
    return okFinding('AWS', `${Arn} (account ${Account}), region ${region}`)
  } catch (error) {
    const known = explainAws(error, 'Reading the caller identity')
    if (known instanceof NoAwsError)
      return noteFinding(
        'AWS',
        'no credentials or no region',
        'The local runtime does not need them. For AWS, set AWS_PROFILE and AWS_REGION, or log in.',
      )
    return wrongFinding('AWS', known.message, 'Log in again, or set AWS_PROFILE to another profile.')
  }
}
