import * as z from 'zod/mini'
import { awsAccountFields } from '../../../shared/aws/aws.ts'
import { optional, withDescription } from '../../../shared/fields.ts'
import type { Client } from '../../../shared/providers/provider.ts'

/** Ids and names. Excludes characters that would change the path of a request. */
export const IDENTIFIER = /^[A-Za-z0-9][\w .-]{0,127}$/
const identifier = (description: string) => withDescription(z.string().check(z.regex(IDENTIFIER)), description)

export const connection = z.strictObject({
  ...awsAccountFields,
  application: identifier('Id of the application, such as 339ohji'),
  profile: identifier('Id of the hosted configuration profile, which must have the type AWS.AppConfig.FeatureFlags'),
  environment: optional(identifier('Id of the default environment')),
  deploymentStrategy: withDescription(
    z.string().check(z.regex(/^(?:[a-z0-9]{4,7}|AppConfig\.[A-Za-z0-9]{9,40})$/)),
    'Id of the deployment strategy that rolls out changes, such as 1225qzk or AppConfig.AllAtOnce',
  ),
})
export type AppConfig = Client<z.output<typeof connection>>

/** Another client created a version or started a deployment after our read. A retry reads again. */
export const CONFLICT = 'ConflictException'
export const PAGE_SIZE = 50
