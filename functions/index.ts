import { chaosTesting } from './chaos-testing/index.ts'
import { ciCd } from './ci-cd/index.ts'
import { featureFlags } from './feature-flags/index.ts'
import { incidentManagement } from './incident-management/index.ts'
import { issueTicketing } from './issue-ticketing/index.ts'
import { loadTesting } from './load-testing/index.ts'
import { notification } from './notification/index.ts'
import { optimization } from './optimization/index.ts'
import { remediation } from './remediation/index.ts'
import { slo } from './slo/index.ts'

export { chaosTesting } from './chaos-testing/index.ts'
export { ciCd } from './ci-cd/index.ts'
export { featureFlags } from './feature-flags/index.ts'
export { incidentManagement } from './incident-management/index.ts'
export { issueTicketing } from './issue-ticketing/index.ts'
export { loadTesting } from './load-testing/index.ts'
export { notification } from './notification/index.ts'
export { messageOf, templates } from './notification/templates/index.ts'
export { optimization } from './optimization/index.ts'
export { remediation } from './remediation/index.ts'
export { slo } from './slo/index.ts'

/** All categories. The build, the local runtime, the CLI and the docs read this list, so a new category needs one line here. */
export const categories = [
  chaosTesting,
  ciCd,
  featureFlags,
  incidentManagement,
  issueTicketing,
  loadTesting,
  notification,
  optimization,
  remediation,
  slo,
] as const
