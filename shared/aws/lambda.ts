import { LambdaClient } from '@aws-sdk/client-lambda'

// Re-exports only the used commands, because a dynamic import of the package would bundle all of them.
export {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  ListDurableExecutionsByFunctionCommand,
  paginateGetDurableExecutionHistory,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda'

/** Shared for the life of the process, so that connections are reused. Loaded when first used. */
export const lambda = new LambdaClient()
