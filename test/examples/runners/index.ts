import { agentRegistry } from './agent-registry.ts'
import { argoRollouts } from './argo-rollouts.ts'
import { dynatraceProblem } from './dynatrace-problem.ts'
import type { Setting } from './example.ts'
import { githubGate } from './github-gate-k6.ts'
import { keptnRelease } from './keptn-release.ts'
import { lambdaDurableApproval } from './lambda-durable-approval-cdk.ts'
import { stepFunctionsRemediation } from './step-functions-remediation.ts'

/** The examples that can be run, by folder. */
export const EXAMPLES: Record<string, () => Promise<Setting>> = {
  'keptn-release': keptnRelease,
  'github-gate-k6': githubGate,
  'argo-rollouts': argoRollouts,
  'step-functions-remediation': stepFunctionsRemediation,
  'dynatrace-problem': dynatraceProblem,
  'lambda-durable-approval-cdk': lambdaDurableApproval,
  'agent-registry': agentRegistry,
}
