import { type LambdaClient, ListTagsCommand, paginateListFunctions } from '@aws-sdk/client-lambda'
import { Failure } from '../../../shared/errors.ts'
import type { Category } from '../../../shared/providers/category.ts'
import { pascalCase } from '../../aws/pascal-case.ts'
import { LOGICAL_ID_TAG, STACK_TAG } from '../../aws/running-tasks.ts'

/**
 * Lets this process run the code of a deployed webhook: with the environment of its function, and with the credentials of the
 * operator, who needs the permissions of the function for what the code does.
 *
 * @param category undefined for any one
 * @throws Failure `invalid` if the stack does not have the category; errors of the SDK
 */
export async function actAsWebhook(lambda: LambdaClient, stackName: string, category?: Category): Promise<void> {
  const variables = await environmentOf(lambda, stackName, category?.name)
  await exportCredentials(lambda)
  // stdout is for the result of the command.
  Object.assign(process.env, variables, { WEBHOOKS_LOG_LEVEL: 'ERROR' })
}

/** Puts the credentials and the region of the SDK into the environment, where the functions expect them. */
export async function exportCredentials(lambda: LambdaClient): Promise<void> {
  Object.assign(process.env, await credentialVariables(lambda))
}

/** Returns the credentials and the region of the SDK as environment variables. */
export async function credentialVariables({ config }: LambdaClient): Promise<Record<string, string>> {
  const [{ accessKeyId, secretAccessKey, sessionToken }, region] = await Promise.all([
    config.credentials(),
    config.region(),
  ])
  return {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  }
}

/**
 * Returns the environment variables of a deployed webhook.
 *
 * @param category undefined for any one
 * @throws Failure `invalid` if the stack does not have the category; errors of the SDK
 */
export async function environmentOf(
  lambda: LambdaClient,
  stackName: string,
  category?: string,
): Promise<Record<string, string>> {
  const start = category === undefined ? '' : `${pascalCase(category)}Webhook`
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
    for (const { FunctionArn: arn, Environment: { Variables: variables = {} } = {} } of Functions) {
      // Only webhooks have it. Other functions of the region are not asked for their tags.
      if (variables['WEBHOOKS_TASK_FUNCTION'] === undefined) continue
      const { Tags = {} } = await lambda.send(new ListTagsCommand({ Resource: arn }))
      if (Tags[STACK_TAG] === stackName && Tags[LOGICAL_ID_TAG]?.startsWith(start)) return variables
    }
  }
  throw new Failure(
    'invalid',
    `The stack ${stackName} has no webhook${category === undefined ? '' : ` for ${category}`}. Check the name, the region and the account.`,
  )
}
