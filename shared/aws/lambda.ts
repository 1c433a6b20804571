import { LambdaClient } from '@aws-sdk/client-lambda'

// Re-exports the used commands only: a dynamic import of the whole client would bundle all of them.
export {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  ListDurableExecutionsByFunctionCommand,
  paginateGetDurableExecutionHistory,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda'

/** Kept for the life of the process, so that connections are reused. Loaded when first used. */
export const lambda = new LambdaClient()
