import '../../functions/aws.ts'
import { key, type Subject } from '../cases.ts'
import { driveProvider } from './drive.ts'

const codeBuild = (operation: string) => `POST /#X-Amz-Target=CodeBuild_20161006.${operation}`
const get = codeBuild('BatchGetBuilds')
const list = codeBuild('ListBuildsForProject')

type Example = { builds: Record<string, unknown>[] }
const seen = (more: object) => ({
  body: ({ builds }: Example) => ({ builds: builds.map((build) => ({ ...build, ...more })) }),
})
const running = seen({ buildStatus: 'IN_PROGRESS', buildComplete: false, currentPhase: 'BUILD' })
const id = 'checkout:12345678-ab12-cd34-ef56-1234567890ab'
const ours = { environmentVariables: [{ name: 'CLOUD_AUTOMATION_WEBHOOKS_KEY', value: key }] }
const environment = {
  ...{ type: 'LINUX_CONTAINER', image: 'aws/codebuild/standard:7.0', computeType: 'BUILD_GENERAL1_SMALL' },
  ...ours,
}
const phases = [
  {
    phaseType: 'BUILD',
    phaseStatus: 'FAILED',
    contexts: [{ statusCode: 'COMMAND_EXECUTION_ERROR', message: 'exit status 1' }],
  },
]
const reportArns = ['arn:aws:codebuild:eu-west-1:123456789012:report/checkout-unit:1']
const action = 'trigger-build'
const input = { target: 'checkout' }

export const awsCodeBuild: Subject = {
  name: 'aws-codebuild',
  contract: 'aws-codebuild',
  cases: [
    { action: 'check', how: 'the role' },
    { action, how: 'of a project', input, says: `Build ${id} ended as SUCCEEDED` },
    {
      action,
      how: 'of a version, with variables',
      input: { ...input, ref: 'v1.2', parameters: { STAGE: 'prod', REPLICAS: 3 } },
      says: 'SUCCEEDED',
    },
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'SUCCEEDED' },
    {
      action,
      how: 'again',
      input,
      isRetry: true,
      answers: { [list]: [{ body: { ids: [id] } }], [get]: [seen({ environment })] },
      says: 'SUCCEEDED',
    },
    {
      action,
      how: 'that fails, with reports',
      input,
      answers: { [get]: [running, seen({ buildStatus: 'FAILED', phases, reportArns })] },
      refused: true,
      says: 'phase BUILD: COMMAND_EXECUTION_ERROR: exit status 1',
    },
    {
      action,
      how: 'that is stopped',
      input,
      stops: true,
      answers: { [get]: [seen({ buildStatus: 'STOPPED' })] },
      refused: true,
      says: 'ended as STOPPED',
    },
    {
      action,
      how: 'refused',
      input,
      answers: { [list]: [{ status: 400, body: { __type: 'ResourceNotFoundException', message: 'no such' } }] },
      refused: true,
      says: 'no such',
    },
    {
      action: 'cancel',
      how: 'one that runs',
      input: { id },
      answers: { [get]: [running, seen({ buildStatus: 'STOPPED' })] },
      says: `Stopped build ${id} (STOPPED)`,
    },
    { action: 'cancel', how: 'one that has ended', input: { id }, says: 'had ended already' },
  ],
  run: driveProvider('ci-cd', 'aws-codebuild', { region: 'eu-west-1', target: 'checkout' }),
}
