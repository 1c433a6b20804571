/** An error that an AWS API answers: HTTP status, exception name and message. */
export class ApiError extends Error {
  readonly status: number
  readonly type: string

  constructor(type: string, status: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = type
    this.type = type
    this.status = status
  }
}

/** @param message what is wrong with the request, in AWS's words where they are known */
export const invalidParameter = (message: string) => new ApiError('InvalidParameterValueException', 400, message)

/** A body that is not JSON. */
export const notJson = (cause: unknown) =>
  new ApiError('InvalidRequestContentException', 400, `Could not parse request body into json: ${cause}`, { cause })

/** @param message names what was not found */
export const notFound = (message: string, options?: ErrorOptions) =>
  new ApiError('ResourceNotFoundException', 404, message, options)

/** The SDK ends only the invocation, not the execution, when the message starts with these very words. */
export const invalidToken = (why: string) => invalidParameter(`Invalid Checkpoint Token: ${why}`)

/** A callback that was completed, timed out, or whose execution ended. */
export const callbackClosed = () =>
  new ApiError(
    'CallbackTimeoutException',
    400,
    'The callback ID token has either expired or the callback associated with the token has already been closed.',
  )

/** A start with the name of another execution and a different payload. */
export const alreadyStarted = () =>
  new ApiError(
    'DurableExecutionAlreadyStartedException',
    409,
    'The durable execution with the specified name has already been started. Each durable execution name must be unique within the function. Use a different name or check the status of the existing execution.',
  )
