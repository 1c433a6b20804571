import type { Step } from './step.ts'

const about = (stage: string) => ({ project: 'release-demo', stage, service: 'casdemoapp' })
const image = 'registry.example.com/casdemoapp:1.4.2'

function deployment(stage: string): Step {
  return {
    name: `${stage} deployment`,
    category: 'ci-cd',
    action: 'trigger-deployment',
    data: about(stage),
    input: { target: 'deploy.yml', parameters: { stage, image } },
  }
}

function evaluation(stage: string): Step {
  return {
    name: `${stage} evaluation`,
    category: 'slo',
    action: 'request-evaluation',
    data: about(stage),
    input: { slo: 'casdemoapp', timeframe: '5m' },
  }
}

/** The steps of the sequence `release`, for engines that have no shipyard. */
export const releaseSteps: readonly Step[] = [
  deployment('staging'),
  {
    name: 'staging test',
    category: 'load-testing',
    action: 'start-test',
    data: about('staging'),
    input: {
      parameters: { rate: 20, duration: 'PT5S' },
      thresholds: [
        { metric: 'p95', op: '<', value: 2_000 },
        { metric: 'errorRate', op: '<', value: 0.01 },
      ],
    },
  },
  evaluation('staging'),
  {
    name: 'production approval',
    category: 'notification',
    action: 'ask-approval',
    data: about('production'),
    input: { question: 'Release casdemoapp to production?', approvers: 'jane@example.com' },
  },
  deployment('production'),
  evaluation('production'),
]
