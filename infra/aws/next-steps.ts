import type { CategoryInfo } from './category-info.ts'

export interface NextStepsProps {
  origin: string
  region: string
  secretPrefix: string
  /** For the example commands. */
  category: CategoryInfo
}

/** Returns the commands to run after a deployment, in the checkout. */
export function nextSteps({ origin, region, secretPrefix, category }: NextStepsProps): string {
  const [action = ''] = Object.keys(category.actions)
  const webhooks = 'npx webhooks'
  const target = `${category.name}/${action}`
  return `
1. Store the connections. Each command prompts for the fields, tests the connection and writes the secret (docs/cli.md):
  export AWS_REGION=${region} WEBHOOKS_SECRET_PREFIX=${secretPrefix} WEBHOOKS_URL=${origin}
  ${webhooks} orchestrator add keptn
  ${webhooks} connect ${category.name}/default
  TOKEN=$(${webhooks} token create keptn --orchestrator keptn); echo "the webhook's token: $TOKEN"
2. Diagnose the setup:
  ${webhooks} doctor
3. Send a dry run, then a real call. Keptn ignores the finished event, because the test event belongs to no sequence:
  ${webhooks} send ${target} --token "$TOKEN" --dry-run
  ${webhooks} send ${target} --token "$TOKEN" --mode interactive
4. Print the webhook to paste into the Bridge:
  ${webhooks} config ${target} --mode interactive --task <task>
`.trim()
}
