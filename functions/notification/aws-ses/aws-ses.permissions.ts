import { type AwsPermissions, arnOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html */
export const permissions: AwsPermissions = {
  arns: {
    identity: arnOf('ses', 'identity/[\\w.@+-]{1,320}', 'identity/<domain or address>'),
    configurationSet: {
      ...arnOf('ses', 'configuration-set/[\\w-]{1,64}', 'configuration-set/<name>'),
      isOptional: true,
    },
  },
  statements: (arnsOf) => [
    { actions: ['ses:SendEmail'], resources: [...arnsOf('identity'), ...arnsOf('configurationSet')] },
    { actions: ['ses:GetEmailIdentity'], resources: arnsOf('identity') },
  ],
}
