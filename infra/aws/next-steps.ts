import type { CategoryInfo } from './category-function.ts'

export interface NextStepsProps {
  origin: string
  region: string
  secretPrefix: string
  /** The one that the commands try. */
  category: CategoryInfo
}

/** What to type after a deployment, in any shell that has openssl and the AWS CLI. */
export function nextSteps({ origin, region, secretPrefix, category }: NextStepsProps): string {
  const [action = ''] = Object.keys(category.actions)
  const [provider = ''] = Object.keys(category.providers)
  const create = `aws secretsmanager create-secret --region ${region} --name ${secretPrefix}`
  return `
1. Make a token for the caller, and store the three secrets (docs/deploy.md explains each field):
  TOKEN=$(openssl rand -hex 32); HASH=$(printf %s "$TOKEN" | openssl dgst -sha256 -r | cut -d' ' -f1); echo "the webhook's token: $TOKEN"
  ${create}/callers --secret-string '{"keptn":{"tokens":["sha256:'$HASH'"],"categories":["*"],"orchestrator":"keptn"}}'
  ${create}/orchestrators/keptn --secret-string '{"type":"keptn","baseUrl":"https://<environment>","token":"<API token>"}'
  ${create}/connections/${category.name}/default --secret-string '{"provider":"${provider}","baseUrl":"https://<platform>","token":"<token>"}'
2. Make a call that is checked and shown, and not done:
  curl -s '${origin}/v1/${category.name}/${action}?dryRun=true' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"data":{"project":"demo","stage":"dev","service":"shop"}}'
3. Make one that is done, and wait for its outcome (its event is made up, so Keptn ignores the finished):
  npm run webhooks -- send ${category.name}/${action} --mode interactive --url ${origin} --token "$TOKEN"
`.trim()
}
