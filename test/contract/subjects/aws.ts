import '../../functions/aws.ts'
import { casesOf, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const ssm = (operation: string) => `POST /#X-Amz-Target=AmazonSSM.${operation}`
const region = 'eu-west-1'

const id = 'oi-1a2b3c4d5e6f'
const keyed = { 'cloud-automation-webhooks': { Type: 'SearchableString', Value: key } }
const item = (more: object = {}) => ({ body: { OpsItem: { OpsItemId: id, Status: 'Open', ...more } } })
const resolved = item({ Status: 'Resolved' })
const commented = item({ OperationalData: { [`comment-${key}`]: { Type: 'String', Value: 'Still slow' } } })
const slow = { title: 'Checkout is slow', description: 'Since **14:03**:\n\n- `cart` 2 s' }
const opens = casesOf('open-ticket', slow)
const updates = casesOf('update-ticket', { id })
const closes = casesOf('close-ticket', { id })
const read = (...items: object[]) => ({ answers: { [ssm('GetOpsItem')]: items } })
const refusal = (type: string, more: object) => ({ status: 400, body: { __type: `${type}Exception`, ...more } })
const opened = [{ body: { OpsItemSummaries: [{ OpsItemId: id, Status: 'Resolved', OperationalData: keyed }] } }]

export const awsOpsCenter: Subject = {
  name: 'aws-opscenter',
  contract: 'aws-ssm',
  answers: { [ssm('DescribeOpsItems')]: { body: { OpsItemSummaries: [] } }, [ssm('GetOpsItem')]: item() },
  cases: [
    { action: 'check', how: 'the role' },
    opens.passes('with a title alone', `Opened OpsItem ${id}`, { input: { description: undefined } }),
    opens.passes('with everything', 'Opened', {
      input: {
        ...{ type: 'Performance', labels: ['sev 1', 'team:shop'], priority: 'high', severity: 'critical' },
        fields: { Notifications: [{ Arn: 'arn:aws:sns:eu-west-1:123456789012:ops' }] },
      },
    }),
    opens.passes('without an event id', 'Opened', { noKey: true }),
    opens.passes('again', 'Found', { isRetry: true, answers: { [ssm('DescribeOpsItems')]: opened } }),
    opens.passes('again, where only AWS knows of it', 'Opened', {
      answers: { [ssm('CreateOpsItem')]: [refusal('OpsItemAlreadyExists', { Message: 'twice', OpsItemId: id })] },
    }),
    opens.fails('refused', 'no such', {
      answers: { [ssm('CreateOpsItem')]: [refusal('OpsItemInvalidParameter', { Message: 'no such' })] },
    }),
    updates.passes('everything and a comment', '', {
      input: {
        ...{ ...slow, type: 'Cost', labels: ['eu'], priority: '5', severity: 'low', state: 'in progress' },
        comment: 'Still slow',
      },
      ...read({}, item({ Status: 'InProgress' })),
    }),
    updates.passes('description to nothing', '', { input: { description: '' } }),
    updates.passes('to open', '', { input: { state: 'open' }, ...read(resolved, {}) }),
    updates.passes('a comment again', '', { input: { comment: 'Still slow' }, isRetry: true, ...read(commented, {}) }),
    updates.passes('a comment without an event id', '', { input: { comment: 'Still slow' }, noKey: true }),
    closes.passes('with comment and resolution', 'Closed', {
      input: { comment: 'Solved', resolution: 'Restart' },
      ...read({}, {}, resolved),
    }),
    closes.passes('one that is closed', 'was closed already', read(resolved)),
  ],
  run: driveProvider('incident-management', 'aws-opscenter', { region }),
}

const execution = '4105a4fc-f944-11e6-9d32-0a1b2c3d495f'
const run = (more: object) => ({
  body: { AutomationExecution: { AutomationExecutionId: execution, AutomationExecutionStatus: 'Success', ...more } },
})
const runs = casesOf('run-runbook', { target: 'AWS-RestartEC2Instance' })
const polls = (...states: object[]) => ({ [ssm('GetAutomationExecution')]: states.map(run) })

export const awsSsmAutomation: Subject = {
  name: 'aws-ssm-automation',
  contract: 'aws-ssm',
  answers: {
    [ssm('StartAutomationExecution')]: { body: { AutomationExecutionId: execution } },
    [ssm('GetAutomationExecution')]: run({ Outputs: { 'restart.Output': ['done'] } }),
  },
  cases: [
    { action: 'check', how: 'the role' },
    runs.passes('by its name', `Execution ${execution} ended as Success`),
    runs.passes('with everything', 'ended as Success', {
      input: {
        ref: '$LATEST',
        parameters: { InstanceId: ['i-1234567890abcdef0'], Options: { force: true }, Count: 2 },
      },
      connection: { automationRoleArn: 'arn:aws:iam::123456789012:role/runbooks' },
    }),
    runs.passes('without an event id', 'ended as Success', { input: { ref: '3' }, noKey: true }),
    runs.fails('that is stopped', 'ended as Cancelled', {
      stops: true,
      answers: { [ssm('StopAutomationExecution')]: [{}], ...polls({ AutomationExecutionStatus: 'Cancelled' }) },
    }),
    runs.fails('that fails', 'ended as Failed: step restart Failed: The instance is gone.', {
      answers: polls(
        { AutomationExecutionStatus: 'InProgress', CurrentStepName: 'restart' },
        {
          ...{ AutomationExecutionStatus: 'Failed', FailureMessage: 'The instance is gone.' },
          StepExecutions: [{ StepName: 'restart', StepStatus: 'Failed' }],
        },
      ),
    }),
    runs.fails('that is not there', 'not found', {
      answers: {
        [ssm('StartAutomationExecution')]: [refusal('AutomationDefinitionNotFound', { Message: 'not found' })],
      },
    }),
  ],
  run: driveProvider('incident-management', 'aws-ssm-automation', { region }),
}

const deployments = '/applications/{ApplicationId}/environments/{EnvironmentId}/deployments'
const versions =
  '/applications/{ApplicationId}/configurationprofiles/{ConfigurationProfileId}/hostedconfigurationversions'
const one = { ConfigurationProfileId: 'ur8hx2f', ConfigurationVersion: '1', DeploymentNumber: 1, State: 'COMPLETE' }
const flags = (enabled: boolean) => ({
  body: { version: '1', flags: { checkout: { name: 'Checkout' } }, values: { checkout: { enabled } } },
})
const two = { ...one, ConfigurationVersion: '2', DeploymentNumber: 2 }
const isOn = { [`GET ${versions}/{VersionNumber}`]: [flags(false), flags(false), flags(true)] }
const sets = casesOf('set-flag', { flag: 'checkout', state: 'on' })
const turned = { answers: isOn }
const isNowOn = 'checkout in 54j1r29 is on, and was off'
const described = { VersionNumber: 2, Description: `cloud-automation-webhooks ${key} on 1` }

export const awsAppConfig: Subject = {
  name: 'aws-appconfig',
  contract: 'aws-appconfig',
  documents: [`POST ${versions}`, `GET ${versions}/{VersionNumber}`],
  answers: {
    [`GET ${deployments}`]: { body: { Items: [one] } },
    [`POST ${deployments}`]: { body: { DeploymentNumber: 2, State: 'DEPLOYING' } },
    [`GET ${deployments}/{DeploymentNumber}`]: { body: { DeploymentNumber: 2, State: 'COMPLETE' } },
    [`POST ${versions}`]: { ...flags(true), headers: { 'version-number': '2' } },
    [`GET ${versions}/{VersionNumber}`]: flags(false),
  },
  cases: [
    { action: 'check', how: 'the role' },
    sets.passes('on', isNowOn, turned),
    sets.passes('on, and why', isNowOn, { input: { comment: 'Größe – “ok”' }, ...turned }),
    sets.passes('on, without an event id', isNowOn, { noKey: true, ...turned }),
    sets.passes('on again', isNowOn, {
      isRetry: true,
      answers: {
        [`GET ${versions}`]: [{ body: { Items: [described] } }],
        [`GET ${deployments}`]: [
          {},
          { body: { Items: [{ ...two, State: 'BAKING' }, one] } },
          { body: { Items: [two, one] } },
        ],
        [`GET ${versions}/{VersionNumber}`]: [flags(false), flags(true)],
      },
    }),
    sets.passes('on already', 'was on already', { answers: { [`GET ${versions}/{VersionNumber}`]: [flags(true)] } }),
    sets.fails('on, which is rolled back', 'deployment 2 ended as ROLLED_BACK: An alarm rang', {
      answers: {
        [`GET ${deployments}/{DeploymentNumber}`]: [
          { body: { DeploymentNumber: 2, State: 'DEPLOYING' } },
          {
            body: {
              State: 'ROLLED_BACK',
              EventLog: [{ EventType: 'ROLLBACK_STARTED', Description: 'An alarm rang' }],
            },
          },
        ],
      },
    }),
    sets.fails('refused', 'Not valid', {
      answers: { [`POST ${versions}`]: [{ status: 400, body: { Message: 'Not valid' } }] },
    }),
    { action: 'set-flags', how: 'in one go', input: { flags: 'checkout', state: 'on' }, answers: isOn, says: 'is on' },
  ],
  run: driveProvider('feature-flags', 'aws-appconfig', {
    ...{ region, application: '339ohji', profile: 'ur8hx2f', environment: '54j1r29' },
    deploymentStrategy: 'AppConfig.AllAtOnce',
  }),
}
