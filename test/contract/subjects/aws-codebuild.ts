import '../../functions/aws.ts'
import { casesOf, key, type Subject } from '../cases.ts'
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
const input = { target: 'checkout' }

const builds = casesOf('trigger-build', input)
const stops = casesOf('cancel', { id })

export const awsCodeBuild: Subject = {
  name: 'aws-codebuild',
  contract: 'aws-codebuild',
  cases: [
    { action: 'check', how: 'the role' },
    builds.passes('of a project', `Build ${id} ended as SUCCEEDED`),
    builds.passes('of a version, with variables', 'SUCCEEDED', {
      input: { ref: 'v1.2', parameters: { STAGE: 'prod', REPLICAS: 3 } },
    }),
    { action: 'trigger-deployment', how: 'without an event id', input, noKey: true, says: 'SUCCEEDED' },
    builds.passes('again', 'SUCCEEDED', {
      isRetry: true,
      answers: { [list]: [{ body: { ids: [id] } }], [get]: [seen({ environment })] },
    }),
    builds.fails('that fails, with reports', 'phase BUILD: COMMAND_EXECUTION_ERROR: exit status 1', {
      answers: { [get]: [running, seen({ buildStatus: 'FAILED', phases, reportArns })] },
    }),
    builds.fails('that is stopped', 'ended as STOPPED', {
      stops: true,
      answers: { [get]: [seen({ buildStatus: 'STOPPED' })] },
    }),
    builds.fails('refused', 'no such', {
      answers: { [list]: [{ status: 400, body: { __type: 'ResourceNotFoundException', message: 'no such' } }] },
    }),
    stops.passes('one that runs', `Stopped build ${id} (STOPPED)`, {
      answers: { [get]: [running, seen({ buildStatus: 'STOPPED' })] },
    }),
    stops.passes('one that has ended', 'had ended already'),
  ],
  run: driveProvider('ci-cd', 'aws-codebuild', { region: 'eu-west-1', target: 'checkout' }),
}
