import { type AwsPermissions, arnOf, endsOf } from '../../../shared/aws/permissions.ts'

/** @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsfaultinjectionservice.html */
export const permissions: AwsPermissions = {
  arns: { template: arnOf('fis', 'experiment-template/EXT[A-Za-z0-9]{1,61}', 'experiment-template/<id>') },
  statements(arnsOf) {
    const templates = arnsOf('template')
    const experiments = [...new Set(templates.map((arn) => arn.replace(/experiment-template\/.*/, 'experiment/*')))]
    const wildcardReason = 'FIS chooses the id of an experiment when it starts it.'
    return [
      { actions: ['fis:StartExperiment'], resources: [...templates, ...experiments], wildcardReason },
      {
        actions: ['fis:TagResource', 'fis:GetExperiment', 'fis:StopExperiment'],
        resources: experiments,
        wildcardReason,
      },
    ]
  },
  /** @see https://docs.aws.amazon.com/fis/latest/userguide/monitoring-eventbridge.html */
  ends(arnsOf) {
    const templates = arnsOf('template')
    return endsOf(templates, {
      source: 'aws.fis',
      detailType: ['FIS Experiment State Change'],
      detail: {
        'experiment-template-id': templates.map((arn) => arn.replace(/^.*\//, '')),
        'new-state': { status: ['completed', 'stopped', 'failed', 'cancelled'] },
      },
    })
  },
}
