import { type AwsPermissions, arnOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchapplicationsignals.html */
export const permissions: AwsPermissions = {
  arns: {
    slo: arnOf('application-signals', 'slo/[0-9A-Za-z][-._0-9A-Za-z ]{0,126}[0-9A-Za-z]', 'slo/<name>'),
  },
  statements: (arnsOf) => [
    { actions: ['application-signals:BatchGetServiceLevelObjectiveBudgetReport'], resources: arnsOf('slo') },
  ],
}
