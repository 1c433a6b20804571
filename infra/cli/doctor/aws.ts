import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { explainAws, NoAwsError } from '../aws-errors.ts'
import { type Finding, noted, ok, wrong } from './finding.ts'

/** A deployment takes 50 calls a second as shipped; each silent call takes a function for half a second and more. */
const ENOUGH_CONCURRENCY = 100

/** How many functions may run at once in this account and region: new accounts have 10. */
export async function concurrency(): Promise<Finding[]> {
  const what = 'concurrency'
  try {
    const { AccountLimit } = await new LambdaClient({ maxAttempts: 2 }).send(new GetAccountSettingsCommand({}))
    const limit = AccountLimit?.ConcurrentExecutions ?? 0
    const found = `${limit} functions at once in this account and region`
    if (limit >= ENOUGH_CONCURRENCY) return [ok(what, found)]
    return [
      noted(
        what,
        `${found}: further calls are answered 5xx`,
        `Ask for more: aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000`,
      ),
    ]
  } catch (error) {
    const known = explainAws(error, 'Reading the account settings of Lambda')
    // The identity says so already.
    if (known instanceof NoAwsError) return []
    return [
      noted(what, known.message, 'It takes lambda:GetAccountSettings to read how many functions may run at once.'),
    ]
  }
}

/** Who we are for AWS, and where. */
export async function identity(): Promise<Finding> {
  const client = new STSClient({ maxAttempts: 2 })
  try {
    const region = await client.config.region()
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}))
    return ok('AWS', `${Arn} (account ${Account}), region ${region}`)
  } catch (error) {
    const known = explainAws(error, 'The question who we are')
    if (known instanceof NoAwsError)
      return noted(
        'AWS',
        'no credentials or no region',
        'The local runtime needs none. For AWS set AWS_PROFILE and AWS_REGION, or log in.',
      )
    return wrong('AWS', known.message, 'Log in again, or name another profile with AWS_PROFILE.')
  }
}
