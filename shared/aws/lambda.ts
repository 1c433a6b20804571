import { LambdaClient } from '@aws-sdk/client-lambda'

// Only what is used, since who imports a client as a whole, when it is first needed, gets all of its commands.
export {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  ListDurableExecutionsByFunctionCommand,
  paginateGetDurableExecutionHistory,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda'

/** One for the life of the process, so that its connections are used again. Loaded when first used. */
export const lambda = new LambdaClient()
