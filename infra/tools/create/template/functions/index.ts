import {
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
} from 'cloud-automation-webhooks/categories'

/** The categories of this application. Each becomes two functions: delete the lines that you do not need. */
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
]
