/**
 * The framework: what categories, providers, actions and orchestrators of an application use.
 *
 * @packageDocumentation
 */

/** Schemas of inputs, connections and responses: zod/mini. */
export { z } from 'zod/mini'
export type { ActionEffect } from './action-effect.ts'
export { Aws, awsAccountFields } from './aws/aws.ts'
export { type ArnKind, type AwsPermissions, arnOf, type Permission } from './aws/permissions.ts'
export { finisherHandler } from './core/task/finisher.ts'
export { taskHandler } from './core/task/handler.ts'
export { type WebhookHandler, webhookHandler } from './core/webhook/handler.ts'
export {
  Failure,
  type FailureKind,
  invalidFields,
  invalidInput,
  messageOf,
  outcomeUnknown,
  refused,
  refusedInput,
  retryLater,
} from './errors.ts'
export { inBatches } from './evaluation/batches.ts'
export { formatUtc, parseTime } from './evaluation/timeframe.ts'
export {
  createdId,
  headers,
  id,
  integer,
  list,
  name,
  oneOf,
  onOff,
  optional,
  orElse,
  seconds,
  secret,
  secretHeaders,
  text,
  url,
  vendorFields,
  withDescription,
  word,
  words,
} from './fields.ts'
export { basicAuth } from './http/basic-auth.ts'
export { Http } from './http/client.ts'
export type { HttpResponse } from './http/exchange.ts'
export { type OAuthClient, oauthAuthorization } from './http/oauth.ts'
export type { Authorization, HttpOptions, RequestOptions } from './http/options.ts'
export { isRefusedBecause, refusalBody } from './http/refusal.ts'
export { segment } from './http/segment.ts'
export { type CallEvent, type CallOrigin, originOf, type TaskOrigin } from './orchestrators/event/event.ts'
export {
  type Answer,
  type AnswerableCall,
  type AnsweredTask,
  type Delivery,
  defineOrchestrator,
  type InteractiveCall,
  type Orchestrator,
  type OrchestratorType,
  type OrchestratorTypes,
  type SignedCall,
} from './orchestrators/orchestrator.ts'
export { errored, type Outcome, passed, verdictOf } from './outcome.ts'
export {
  type Action,
  type ActionResult,
  type ApprovalAction,
  completed,
  type ImmediateAction,
  type JobAction,
  type PollResult,
  type StartedJob,
} from './providers/action.ts'
export { type ActionMapping, type Category, defineCategory, type PublicRoute } from './providers/category.ts'
export { defineJob, type IdentifiedRun, type RunResults } from './providers/define-job.ts'
export { requestEvaluation } from './providers/evaluation/action.ts'
export {
  defineEvaluationProvider,
  type EvaluationProvider,
  evaluationFields,
  type MeasurementRequest,
} from './providers/evaluation/provider.ts'
export { type CategoryExtension, extendCategory } from './providers/extend-category.ts'
export {
  type ChangeStatus,
  defineFlagProvider,
  type FlagChange,
  type FlagLocation,
  type FlagProvider,
  type FlagState,
} from './providers/flag.ts'
export {
  defineJobProvider,
  type JobProvider,
  type Period,
  type Run,
  type RunStatus,
  type StartJob,
  type StopJob,
  startOutcomeUnknown,
  type Verdict,
} from './providers/job.ts'
export { allowParameters, type JobVariables } from './providers/job-variables.ts'
export type { LookUp, Needs } from './providers/look-up.ts'
export {
  type ButtonRequest,
  type ButtonResponse,
  defineMessageProvider,
  type Field,
  type Link,
  type Message,
  type MessageButton,
  type MessageProvider,
  type Mood,
  type PostedMessage,
  type Table,
} from './providers/message.ts'
export type { ProjectFormat } from './providers/project.ts'
export { type Client, hasIdempotencyKey, type Provider, type ProviderKind } from './providers/provider.ts'
export { pushMessage } from './providers/push-update.ts'
export { defineReportProvider, pushReport, type Report, type ReportProvider } from './providers/report.ts'
export { limitOutput, metricsIn } from './providers/run-output.ts'
export { setFlag, setFlags } from './providers/set-flags.ts'
export { rollbackJob, startJob } from './providers/start-job.ts'
export { stopJob } from './providers/stop-job.ts'
export { toTextParameters } from './providers/text-parameters.ts'
export {
  type CloseTicket,
  defineTicketProvider,
  type OpenTicket,
  type Severities,
  type Ticket,
  type TicketChanges,
  type TicketProvider,
  type TicketRef,
  type UpdateTicket,
} from './providers/ticket.ts'
export { closeTicket, openTicket, updateTicket } from './providers/ticket-actions.ts'
export { toggleFlag } from './providers/toggle-flag.ts'
export { refuseUnsupported } from './providers/unsupported-input.ts'
export { clip, toPlainText } from './text/plain-text.ts'
export { clipSingleLine, singleLine } from './text/single-line.ts'
export { slug } from './text/slug.ts'
export { uuidOf } from './text/uuid.ts'
export { httpEvaluation, httpFlag, httpJob, httpMessage, httpTicket } from './vendors/http/providers.ts'
