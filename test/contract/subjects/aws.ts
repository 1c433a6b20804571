import '../../functions/aws.ts'
import { type Case, key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const ssm = (operation: string) => `POST /#X-Amz-Target=AmazonSSM.${operation}`
const region = 'eu-west-1'

const id = 'oi-1a2b3c4d5e6f'
const keyed = { 'cloud-automation-webhooks': { Type: 'SearchableString', Value: key } }
const item = (more: object = {}) => ({ body: { OpsItem: { OpsItemId: id, Status: 'Open', ...more } } })
const resolved = item({ Status: 'Resolved' })
const commented = item({ OperationalData: { [`comment-${key}`]: { Type: 'String', Value: 'Still slow' } } })
const slow = { title: 'Checkout is slow', description: 'Since **14:03**:\n\n- `cart` 2 s' }
const ticket = (action: 'open' | 'update' | 'close', how: string, input: object, more: Partial<Case> = {}): Case => ({
  action: `${action}-ticket`,
  how,
  input: action === 'open' ? { ...slow, ...input } : { id, ...input },
  ...more,
})

export const awsOpsCenter: Subject = {
  name: 'aws-opscenter',
  contract: 'aws-ssm',
  answers: { [ssm('DescribeOpsItems')]: { body: { OpsItemSummaries: [] } }, [ssm('GetOpsItem')]: item() },
  cases: [
    { action: 'check', how: 'the role' },
    ticket('open', 'with a title alone', { description: undefined }, { says: `Opened OpsItem ${id}` }),
    ticket(
      'open',
      'with everything',
      {
        ...{ type: 'Performance', labels: ['sev 1', 'team:shop'], priority: 'high', severity: 'critical' },
        fields: { Notifications: [{ Arn: 'arn:aws:sns:eu-west-1:123456789012:ops' }] },
      },
      { says: 'Opened' },
    ),
    ticket('open', 'without an event id', {}, { noKey: true, says: 'Opened' }),
    ticket(
      'open',
      'again',
      {},
      {
        isRetry: true,
        answers: {
          [ssm('DescribeOpsItems')]: [
            { body: { OpsItemSummaries: [{ OpsItemId: id, Status: 'Resolved', OperationalData: keyed }] } },
          ],
        },
        says: 'Found',
      },
    ),
    ticket(
      'open',
      'again, where only AWS knows of it',
      {},
      {
        answers: {
          [ssm('CreateOpsItem')]: [
            { status: 400, body: { __type: 'OpsItemAlreadyExistsException', Message: 'twice', OpsItemId: id } },
          ],
        },
        says: 'Opened',
      },
    ),
    ticket(
      'open',
      'refused',
      {},
      {
        answers: {
          [ssm('CreateOpsItem')]: [
            { status: 400, body: { __type: 'OpsItemInvalidParameterException', Message: 'no such' } },
          ],
        },
        refused: true,
        says: 'no such',
      },
    ),
    ticket(
      'update',
      'everything and a comment',
      {
        ...slow,
        ...{
          type: 'Cost',
          labels: ['eu'],
          priority: '5',
          severity: 'low',
          state: 'in progress',
          comment: 'Still slow',
        },
      },
      { answers: { [ssm('GetOpsItem')]: [{}, item({ Status: 'InProgress' })] } },
    ),
    ticket('update', 'description to nothing', { description: '' }),
    ticket('update', 'to open', { state: 'open' }, { answers: { [ssm('GetOpsItem')]: [resolved, {}] } }),
    ticket(
      'update',
      'a comment again',
      { comment: 'Still slow' },
      { isRetry: true, answers: { [ssm('GetOpsItem')]: [commented, {}] } },
    ),
    ticket('update', 'a comment without an event id', { comment: 'Still slow' }, { noKey: true }),
    ticket(
      'close',
      'with comment and resolution',
      { comment: 'Solved', resolution: 'Restart' },
      { answers: { [ssm('GetOpsItem')]: [{}, {}, resolved] }, says: 'Closed' },
    ),
    ticket(
      'close',
      'one that is closed',
      {},
      { answers: { [ssm('GetOpsItem')]: [resolved] }, says: 'was closed already' },
    ),
  ],
  run: driveProvider('incident-management', 'aws-opscenter', { region }),
}

const execution = '4105a4fc-f944-11e6-9d32-0a1b2c3d495f'
const run = (more: object) => ({
  body: { AutomationExecution: { AutomationExecutionId: execution, AutomationExecutionStatus: 'Success', ...more } },
})
const runbook = (how: string, input: object, more: Partial<Case> = {}): Case => ({
  action: 'run-runbook',
  how,
  input: { target: 'AWS-RestartEC2Instance', ...input },
  ...more,
})

export const awsSsmAutomation: Subject = {
  name: 'aws-ssm-automation',
  contract: 'aws-ssm',
  answers: {
    [ssm('StartAutomationExecution')]: { body: { AutomationExecutionId: execution } },
    [ssm('GetAutomationExecution')]: run({ Outputs: { 'restart.Output': ['done'] } }),
  },
  cases: [
    { action: 'check', how: 'the role' },
    runbook('by its name', {}, { says: `Execution ${execution} ended as Success` }),
    runbook(
      'with everything',
      { ref: '$LATEST', parameters: { InstanceId: ['i-1234567890abcdef0'], Options: { force: true }, Count: 2 } },
      { connection: { automationRoleArn: 'arn:aws:iam::123456789012:role/runbooks' }, says: 'ended as Success' },
    ),
    runbook('without an event id', { ref: '3' }, { noKey: true, says: 'ended as Success' }),
    runbook(
      'that is stopped',
      {},
      {
        stops: true,
        answers: {
          [ssm('StopAutomationExecution')]: [{}],
          [ssm('GetAutomationExecution')]: [run({ AutomationExecutionStatus: 'Cancelled' })],
        },
        refused: true,
        says: 'ended as Cancelled',
      },
    ),
    runbook(
      'that fails',
      {},
      {
        answers: {
          [ssm('GetAutomationExecution')]: [
            run({ AutomationExecutionStatus: 'InProgress', CurrentStepName: 'restart' }),
            run({
              AutomationExecutionStatus: 'Failed',
              FailureMessage: 'The instance is gone.',
              StepExecutions: [{ StepName: 'restart', StepStatus: 'Failed' }],
            }),
          ],
        },
        refused: true,
        says: 'ended as Failed: step restart Failed: The instance is gone.',
      },
    ),
    runbook(
      'that is not there',
      {},
      {
        answers: {
          [ssm('StartAutomationExecution')]: [
            { status: 400, body: { __type: 'AutomationDefinitionNotFoundException', Message: 'not found' } },
          ],
        },
        refused: true,
        says: 'not found',
      },
    ),
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
const set = (how: string, input: object, more: Partial<Case> = {}): Case => ({
  action: 'set-flag',
  how,
  input: { flag: 'checkout', state: 'on', ...input },
  answers: isOn,
  says: 'checkout in 54j1r29 is on, and was off',
  ...more,
})

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
    set('on', {}),
    set('on, and why', { comment: 'Größe – “ok”' }),
    set('on, without an event id', {}, { noKey: true }),
    set(
      'on again',
      {},
      {
        isRetry: true,
        answers: {
          [`GET ${versions}`]: [
            { body: { Items: [{ VersionNumber: 2, Description: `cloud-automation-webhooks ${key} on 1` }] } },
          ],
          [`GET ${deployments}`]: [
            {},
            { body: { Items: [{ ...two, State: 'BAKING' }, one] } },
            { body: { Items: [two, one] } },
          ],
          [`GET ${versions}/{VersionNumber}`]: [flags(false), flags(true)],
        },
      },
    ),
    set('on already', {}, { answers: { [`GET ${versions}/{VersionNumber}`]: [flags(true)] }, says: 'was on already' }),
    set(
      'on, which is rolled back',
      {},
      {
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
        refused: true,
        says: 'deployment 2 ended as ROLLED_BACK: An alarm rang',
      },
    ),
    set(
      'refused',
      {},
      {
        answers: { [`POST ${versions}`]: [{ status: 400, body: { Message: 'Not valid' } }] },
        refused: true,
        says: 'Not valid',
      },
    ),
    { action: 'set-flags', how: 'in one go', input: { flags: 'checkout', state: 'on' }, answers: isOn, says: 'is on' },
  ],
  run: driveProvider('feature-flags', 'aws-appconfig', {
    ...{ region, application: '339ohji', profile: 'ur8hx2f', environment: '54j1r29' },
    deploymentStrategy: 'AppConfig.AllAtOnce',
  }),
}
