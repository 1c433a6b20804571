import { Aws } from 'aws-cdk-lib/core'
import type { Permission } from './permission.ts'

/** What cdk.json names for a provider that is part of AWS, and what its calls need of that. */
interface ProviderAccess {
  /** The kinds of ARN that it takes, each with what it looks like; all but those marked as optional must be there. */
  arns: Record<string, { pattern: RegExp; example: string; optional?: true }>
  permissions(named: (kind: string) => string[]): Permission[]
}

const region = '[a-z0-9-]+'
const id = '[a-z0-9]{4,7}'
const appConfig = `^arn:[a-z-]+:appconfig:${region}:\\d{12}`
const sageMaker = `^arn:[a-z-]+:sagemaker:${region}:\\d{12}`
const roleArn = {
  pattern: /^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/,
  example: 'arn:aws:iam::<account>:role/<name>',
}

/** Of a state machine: whatever AWS lets one be called. */
const stateName = '[^\\s<>{}[\\]?*"#%\\\\^|~`$&,;:/]{1,80}'

const executions = 'Executions get their ids when they are started; there is no narrower name for them.'

/**
 * The permissions of each provider that is part of AWS: exactly the calls that its code makes, on what cdk.json names, in the
 * forms of ARN that AWS holds each action against.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-identity-based-policies.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsappconfig.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsfaultinjectionservice.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchapplicationsignals.html
 */
export const providerAccess = {
  'aws-appconfig': {
    arns: {
      environment: {
        pattern: new RegExp(`${appConfig}:application/${id}/environment/${id}$`),
        example: 'arn:aws:appconfig:<region>:<account>:application/<id>/environment/<id>',
      },
      configurationprofile: {
        pattern: new RegExp(`${appConfig}:application/${id}/configurationprofile/${id}$`),
        example: 'arn:aws:appconfig:<region>:<account>:application/<id>/configurationprofile/<id>',
      },
      deploymentstrategy: {
        pattern: new RegExp(`${appConfig}:deploymentstrategy/(?:${id}|AppConfig\\.[A-Za-z0-9]{9,40})$`),
        example: 'arn:aws:appconfig:<region>:<account>:deploymentstrategy/<id>',
      },
    },
    permissions(named) {
      const [environments, profiles] = [named('environment'), named('configurationprofile')]
      const deployments = environments.map((arn) => `${arn}/deployment/*`)
      const versions = profiles.map((arn) => `${arn}/hostedconfigurationversion/*`)
      const applications = unique([...environments, ...profiles].map((arn) => arn.split('/').slice(0, 2).join('/')))
      const star = 'Deployments and versions are numbered as they are made; there is no narrower name for them.'
      return [
        { actions: ['appconfig:ListDeployments'], resources: [...applications, ...environments] },
        { actions: ['appconfig:GetDeployment'], resources: [...applications, ...environments, ...deployments], star },
        { actions: ['appconfig:ListHostedConfigurationVersions'], resources: [...applications, ...profiles] },
        {
          actions: ['appconfig:GetHostedConfigurationVersion', 'appconfig:CreateHostedConfigurationVersion'],
          resources: [...applications, ...profiles, ...versions],
          star,
        },
        {
          actions: ['appconfig:StartDeployment'],
          resources: [...applications, ...environments, ...deployments, ...profiles, ...named('deploymentstrategy')],
          star,
        },
      ]
    },
  },

  'aws-opscenter': {
    arns: {
      opsitem: {
        pattern: new RegExp(`^arn:[a-z-]+:ssm:${region}:\\d{12}:opsitem/\\*$`),
        example: 'arn:aws:ssm:<region>:<account>:opsitem/*',
      },
    },
    permissions(named) {
      const items = named('opsitem')
      return [
        {
          actions: ['ssm:GetOpsItem', 'ssm:UpdateOpsItem', 'ssm:AddTagsToResource'],
          resources: items,
          star: 'OpsItems get their ids when they are made; there is no narrower name for them.',
        },
        {
          actions: ['ssm:CreateOpsItem', 'ssm:DescribeOpsItems'],
          resources: ['*'],
          conditions: { StringEquals: { 'aws:RequestedRegion': unique(items.map(regionOf)) } },
          star: 'OpsCenter knows no resources for what is not there yet and for lists; both are kept to the regions in cdk.json.',
        },
      ]
    },
  },

  'aws-ssm-automation': {
    arns: {
      document: {
        // Those of AWS itself are in no account.
        pattern: new RegExp(`^arn:[a-z-]+:ssm:${region}:(?:\\d{12})?:document/[\\w.-]{3,128}$`),
        example: 'arn:aws:ssm:<region>:<account>:document/<name>',
      },
      role: { ...roleArn, optional: true },
    },
    permissions(named) {
      const documents = named('document')
      const roles = named('role')
      const runs = unique(
        documents.map((arn) => `${arn.split(':').slice(0, 4).join(':')}:${Aws.ACCOUNT_ID}:automation-execution/*`),
      )
      // Regions that hold it against the older kind of resource ask for the version as well.
      const definitions = documents.map((arn) => `${arn.replace(':document/', ':automation-definition/')}:*`)
      return [
        {
          actions: ['ssm:StartAutomationExecution'],
          resources: [...documents, ...definitions, ...runs],
          star: `Each version of a runbook that cdk.json names may be run. ${executions}`,
        },
        { actions: ['ssm:GetAutomationExecution', 'ssm:StopAutomationExecution'], resources: runs, star: executions },
        ...(roles.length === 0
          ? []
          : [
              {
                actions: ['iam:PassRole'],
                resources: roles,
                conditions: { StringEquals: { 'iam:PassedToService': 'ssm.amazonaws.com' } },
              },
            ]),
      ]
    },
  },

  'aws-codebuild': {
    arns: {
      project: {
        pattern: new RegExp(`^arn:[a-z-]+:codebuild:${region}:\\d{12}:project/[A-Za-z0-9][\\w-]{1,149}$`),
        example: 'arn:aws:codebuild:<region>:<account>:project/<name>',
      },
      reportGroup: {
        pattern: new RegExp(`^arn:[a-z-]+:codebuild:${region}:\\d{12}:report-group/[\\w-]{2,128}$`),
        example: 'arn:aws:codebuild:<region>:<account>:report-group/<project>-<name>',
        optional: true,
      },
    },
    permissions(named) {
      const [projects, reportGroups] = [named('project'), named('reportGroup')]
      const calls = ['StartBuild', 'StopBuild', 'BatchGetBuilds', 'ListBuildsForProject']
      return [
        { actions: calls.map((call) => `codebuild:${call}`), resources: projects },
        ...(reportGroups.length === 0 ? [] : [{ actions: ['codebuild:BatchGetReports'], resources: reportGroups }]),
      ]
    },
  },

  'aws-codepipeline': {
    arns: {
      pipeline: {
        pattern: new RegExp(`^arn:[a-z-]+:codepipeline:${region}:\\d{12}:[\\w.@-]{1,100}$`),
        example: 'arn:aws:codepipeline:<region>:<account>:<name>',
      },
    },
    permissions(named) {
      const pipelines = named('pipeline')
      const starts = ['StartPipelineExecution', 'StopPipelineExecution']
      const reads = ['GetPipelineExecution', 'GetPipelineState', 'ListActionExecutions', 'ListPipelineExecutions']
      return [
        { actions: [...starts, ...reads].map((call) => `codepipeline:${call}`), resources: pipelines },
        {
          actions: ['codepipeline:RollbackStage'],
          resources: pipelines.map((arn) => `${arn}/*`),
          star: 'Each stage of a pipeline that cdk.json names may go back.',
        },
      ]
    },
  },
  'aws-dlt': {
    arns: {
      api: {
        pattern: new RegExp(`^arn:[a-z-]+:execute-api:${region}:\\d{12}:[a-z0-9]{10}/[\\w-]{1,128}$`),
        example: 'arn:aws:execute-api:<region>:<account>:<id of the API>/<stage>',
      },
    },
    permissions(named) {
      const calls = ['GET/scenarios', 'GET/scenarios/*', 'GET/vCPUDetails', 'POST/scenarios', 'POST/scenarios/*']
      return [
        {
          actions: ['execute-api:Invoke'],
          resources: named('api').flatMap((api) => calls.map((call) => `${api}/${call}`)),
          star: 'Scenarios and runs get their ids when they are made; what may be done with them is named.',
        },
      ]
    },
  },
  'aws-fis': {
    arns: {
      template: {
        pattern: new RegExp(`^arn:[a-z-]+:fis:${region}:\\d{12}:experiment-template/EXT[A-Za-z0-9]{1,61}$`),
        example: 'arn:aws:fis:<region>:<account>:experiment-template/<id>',
      },
    },
    permissions(named) {
      const templates = named('template')
      const experiments = unique(templates.map((arn) => arn.replace(/experiment-template\/.*/, 'experiment/*')))
      const star = 'Experiments get their ids when they are started; there is no narrower name for them.'
      return [
        { actions: ['fis:StartExperiment'], resources: [...templates, ...experiments], star },
        { actions: ['fis:TagResource', 'fis:GetExperiment', 'fis:StopExperiment'], resources: experiments, star },
      ]
    },
  },
  'aws-step-functions': {
    arns: {
      stateMachine: {
        pattern: new RegExp(`^arn:[a-z-]+:states:${region}:\\d{12}:stateMachine:${stateName}$`),
        example: 'arn:aws:states:<region>:<account>:stateMachine:<name>',
      },
    },
    permissions(named) {
      const machines = named('stateMachine')
      const runs = machines.map((arn) => `${arn.replace(':stateMachine:', ':execution:')}:*`)
      const looks = ['states:DescribeExecution', 'states:GetExecutionHistory']
      return [
        // Of each version and alias, too: these are held against the machine.
        { actions: ['states:DescribeStateMachine', 'states:StartExecution'], resources: machines },
        {
          actions: [...looks, 'states:StopExecution'],
          resources: runs,
          star: `Those of the state machines that cdk.json names. ${executions}`,
        },
      ]
    },
  },
  'aws-sagemaker': {
    arns: {
      pipeline: {
        pattern: new RegExp(`${sageMaker}:pipeline/[a-zA-Z0-9](?:-*[a-zA-Z0-9])*$`),
        example: 'arn:aws:sagemaker:<region>:<account>:pipeline/<name>',
        optional: true,
      },
      // A new job has as much of the name of the one that it is made after as leaves place for the key of its call.
      training: {
        pattern: new RegExp(`${sageMaker}:training-job/[a-zA-Z0-9][a-zA-Z0-9-]{0,45}\\*$`),
        example: 'arn:aws:sagemaker:<region>:<account>:training-job/<up to 46 characters that names begin with>*',
        optional: true,
      },
      tuning: {
        pattern: new RegExp(`${sageMaker}:hyper-parameter-tuning-job/[a-zA-Z0-9][a-zA-Z0-9-]{0,14}\\*$`),
        example:
          'arn:aws:sagemaker:<region>:<account>:hyper-parameter-tuning-job/<up to 15 characters that names begin with>*',
        optional: true,
      },
      role: { ...roleArn, optional: true },
    },
    permissions(named) {
      const [pipelines, trainings, tunings, roles] = ['pipeline', 'training', 'tuning', 'role'].map(named)
      const made = 'Jobs get their names when they are made; they begin as those do that cdk.json names.'
      const allowed = (calls: string[], resources: string[] = [], star?: string) => ({
        actions: calls.map((call) => `sagemaker:${call}`),
        resources,
        star,
      })
      return [
        allowed(['StartPipelineExecution', 'ListPipelineExecutions'], pipelines),
        allowed(
          ['DescribePipelineExecution', 'ListPipelineExecutionSteps', 'StopPipelineExecution'],
          pipelines?.map((arn) => `${arn}/execution/*`),
          executions,
        ),
        allowed(['CreateTrainingJob', 'DescribeTrainingJob', 'StopTrainingJob'], trainings, made),
        allowed(
          ['CreateHyperParameterTuningJob', 'DescribeHyperParameterTuningJob', 'StopHyperParameterTuningJob'],
          tunings,
          made,
        ),
        {
          actions: ['iam:PassRole'],
          resources: roles ?? [],
          conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
        },
      ].filter(({ resources }) => resources.length > 0)
    },
  },
  'aws-sns': {
    arns: {
      topic: {
        pattern: new RegExp(`^arn:[a-z-]+:sns:${region}:\\d{12}:[\\w-]{1,251}(?:\\.fifo)?$`),
        example: 'arn:aws:sns:<region>:<account>:<name>',
      },
    },
    permissions: (named) => [{ actions: ['sns:Publish', 'sns:GetTopicAttributes'], resources: named('topic') }],
  },
  'aws-cloudwatch': {
    arns: {
      // It has no ARN.
      namespace: {
        pattern: /^(?!AWS\/|arn:)[\w./#-][\w./#:-]{0,254}$/,
        example: '<a namespace of metrics, such as CloudAutomation/SLO>',
      },
    },
    permissions: (named) => [
      {
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': named('namespace') } },
        star: 'CloudWatch knows no resources for metrics; it is kept to the namespaces in cdk.json.',
      },
    ],
  },
  'aws-eventbridge': {
    arns: {
      eventBus: {
        pattern: new RegExp(`^arn:[a-z-]+:events:${region}:\\d{12}:event-bus/[\\w.-]{1,256}$`),
        example: 'arn:aws:events:<region>:<account>:event-bus/<name>',
      },
    },
    permissions: (named) => [
      { actions: ['events:PutEvents', 'events:DescribeEventBus'], resources: named('eventBus') },
    ],
  },
  'aws-application-signals': {
    arns: {
      slo: {
        pattern: new RegExp(
          `^arn:[a-z-]+:application-signals:${region}:\\d{12}:slo/[0-9A-Za-z][-._0-9A-Za-z ]{0,126}[0-9A-Za-z]$`,
        ),
        example: 'arn:aws:application-signals:<region>:<account>:slo/<name>',
      },
    },
    permissions: (named) => [
      { actions: ['application-signals:BatchGetServiceLevelObjectiveBudgetReport'], resources: named('slo') },
    ],
  },
} satisfies Record<string, ProviderAccess>

export type AwsProvider = keyof typeof providerAccess

/** What cdk.json says of them: ARNs by provider; and the roles of other accounts that any of them may assume. */
export type AwsProviders = Partial<Record<AwsProvider, string[]>> & { assumeRoles?: string[] | undefined }

export const assumedRole = roleArn

/** What the functions of a category may do for its providers: nothing for one that cdk.json does not name. */
export function mayUseProviders(providers: readonly string[], configured: AwsProviders = {}): Permission[] {
  const own = providers.filter((name): name is AwsProvider => Object.hasOwn(providerAccess, name))
  const { assumeRoles: roles = [] } = configured
  const permissions = own.flatMap((name) => {
    const arns = configured[name]
    const { arns: kinds, permissions }: ProviderAccess = providerAccess[name]
    return arns ? permissions((kind) => arns.filter((arn) => kinds[kind]?.pattern.test(arn))) : []
  })
  if (own.length === 0 || roles.length === 0) return permissions
  return [...permissions, { actions: ['sts:AssumeRole'], resources: roles }]
}

/** What is wrong with the ARNs of a provider, in words that say what to write. */
export function wrongArns(provider: AwsProvider, arns: readonly string[]): string[] {
  const { arns: kinds }: ProviderAccess = providerAccess[provider]
  const all = Object.values(kinds)
  const strange = arns.filter((arn) => !all.some(({ pattern }) => pattern.test(arn)))
  if (strange.length > 0)
    return strange.map((arn) => `must be ${all.map(({ example }) => example).join(' or ')}, not "${arn}"`)
  const missing = all.filter(({ pattern, optional }) => !optional && !arns.some((arn) => pattern.test(arn)))
  return missing.map(({ example }) => `must name at least one ${example}`)
}

function regionOf(arn: string): string {
  return arn.split(':')[3] ?? ''
}

function unique(names: string[]): string[] {
  return [...new Set(names)]
}
