import type { CategoryInfo } from './category-function.ts'

export interface NextStepsProps {
  origin: string
  region: string
  secretPrefix: string
  /** The one that the commands try. */
  category: CategoryInfo
}

/** What to type after a deployment, in the folder of the checkout. */
export function nextSteps({ origin, region, secretPrefix, category }: NextStepsProps): string {
  const [action = ''] = Object.keys(category.actions)
  const webhooks = 'npm run --silent webhooks --'
  const target = `${category.name}/${action}`
  return `
1. Store what there is to know; each asks for its fields, tries them, and writes its secret (docs/cli.md):
  export AWS_REGION=${region} WEBHOOKS_SECRET_PREFIX=${secretPrefix} WEBHOOKS_URL=${origin}
  ${webhooks} orchestrator add keptn
  ${webhooks} connect ${category.name}/default
  TOKEN=$(${webhooks} token create keptn --orchestrator keptn); echo "the webhook's token: $TOKEN"
2. Look whether all is well:
  ${webhooks} doctor
3. Make a call that is checked and shown, and not done; then one that is done (its event is made up, so Keptn ignores the finished):
  ${webhooks} send ${target} --token "$TOKEN" --dry-run
  ${webhooks} send ${target} --token "$TOKEN" --mode interactive
4. Print the webhook to paste into the Bridge:
  ${webhooks} config ${target} --mode interactive --task <task>
`.trim()
}
