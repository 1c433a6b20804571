import { type AwsPermissions, arnOf } from '../../../shared/aws/permissions.ts'

const CALLS = ['GET/scenarios', 'GET/scenarios/*', 'GET/vCPUDetails', 'POST/scenarios', 'POST/scenarios/*']

export const permissions: AwsPermissions = {
  arns: { api: arnOf('execute-api', '[a-z0-9]{10}/[\\w-]{1,128}', '<id of the API>/<stage>') },
  statements: (arnsOf) => [
    {
      actions: ['execute-api:Invoke'],
      resources: arnsOf('api').flatMap((api) => CALLS.map((call) => `${api}/${call}`)),
      wildcardReason: 'The platform chooses the ids of scenarios and runs; methods and paths are limited.',
    },
  ],
}
