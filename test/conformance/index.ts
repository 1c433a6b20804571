/**
 * Tests for the providers and orchestrators of an application. They run under `node --test`.
 *
 * @packageDocumentation
 */

export { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
export { definePlatform } from '../../infra/testing/define-platform.ts'
export {
  type Call,
  graphqlOperation,
  newestOf,
  ok,
  type Reply,
  type Served,
  serve,
} from '../../infra/testing/loopback-server.ts'
export { pageOf } from '../../infra/testing/page-of.ts'
export { basic, requireHeader } from '../../infra/testing/require-header.ts'
export {
  type ClientOptions,
  clientOf,
  expectFailure,
  failureOf,
  keyOf,
  problem,
  startEach,
} from '../functions/helpers.ts'
export { Job } from '../functions/job.ts'
export { evaluate, report } from '../functions/slo/drive.ts'
export { evaluationConformance } from './evaluation.ts'
export { flagConformance } from './flag.ts'
export { jobConformance } from './job.ts'
export { messageConformance } from './message.ts'
export { orchestratorConformance } from './orchestrator.ts'
export { reportConformance } from './report.ts'
export { ticketConformance } from './ticket.ts'
