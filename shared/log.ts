import { Logger } from '@aws-lambda-powertools/logger'
import { mask } from './redact.ts'
import { settings } from './settings.ts'

/** The one logger: JSON lines on stdout, with every known secret value masked, whatever is logged. */
export const log = new Logger({
  serviceName: 'cloud-automation-webhooks',
  logLevel: settings.logLevel,
  jsonReplacerFn: (_name, value) => (typeof value === 'string' ? mask(value) : value),
})
