import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { explainAws, NoAwsError } from '../aws-errors.ts'
import { type Finding, noted, ok, wrong } from './finding.ts'

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
