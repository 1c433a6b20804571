import { engines, targetOf } from '../../sandbox/engines/index.ts'
import type { FaultKind } from '../../sandbox/platforms/sandbox/faults.ts'
import { type PlatformTarget, platformTargets } from '../../sandbox/platforms/sandbox/http.ts'

const descriptions: Record<FaultKind, string> = {
  slow: 'Slow response',
  '500': 'Responds with 500',
  '503': 'Responds with 503',
  '429': 'Too many requests',
  hang: 'Accepts the request and never responds',
  reset: 'Resets the connection',
  '410': 'Responds with 410: no longer there',
  '401': 'Rejects the credentials',
  html: 'Responds with 500 and a web page',
  'secondary-limit': "GitHub's 403 with retry-after",
  truncate: 'Truncates the response',
  'wrong-json': 'Responds with unexpected JSON',
  empty: 'Responds with 200 and no body',
  'no-id': 'Runs the request and responds with an empty object',
  redirect: 'Redirects to another host',
  huge: 'Sends an endless response',
  'call-twice': 'An engine sends each call twice',
  restart: 'An engine restarts after its call',
  'lost-notification': 'Loses its notifications of runs',
  echo: 'Responds with 500 and repeats the request',
}

/** The platforms by the names of their targets. */
const titles: Record<PlatformTarget, string> = {
  github: 'GitHub',
  servicenow: 'ServiceNow',
  unleash: 'Unleash',
  keptn: 'Keptn',
  sso: 'Keptn login',
  shop: 'Shop',
  toxiproxy: 'Toxiproxy',
  databricks: 'Databricks',
  rundeck: 'Rundeck',
  slack: 'Slack',
  dynatrace: 'Dynatrace',
  tool: 'Generic API',
}

/** Returns the targets and kinds of faults. `/sandbox/faults` switches them on and off. */
export function describeFaults() {
  const engineTargets = engines.map((engine) => ({ name: targetOf(engine), title: engine.title }))
  const targets = [...platformTargets.map((name) => ({ name, title: titles[name] })), ...engineTargets]
  return { targets, kinds: Object.entries(descriptions).map(([kind, text]) => ({ kind, text })) }
}
