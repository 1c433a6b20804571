const TITLES: Record<string, string> = {
  keptn: 'Keptn',
  poll: 'polling',
  'step-functions': 'Step Functions',
  callback: 'callback',
  github: 'GitHub',
  'azure-devops': 'Azure DevOps',
  dynatrace: 'Dynatrace',
}

/** Returns the title of the engine of an orchestrator. @param type another one is its own title */
export function engineTitle(type: string): string {
  return TITLES[type] ?? type
}
