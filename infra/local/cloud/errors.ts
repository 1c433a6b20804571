/** Error response of an AWS API: HTTP status, exception name and message. */
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

/** Uses the messages of AWS if they are known. */
export const invalidParameter = (message: string) => new ApiError('InvalidParameterValueException', 400, message)

/** The request body is not JSON. */
export const notJson = (cause: unknown) =>
  new ApiError('InvalidRequestContentException', 400, `Could not parse request body into json: ${cause}`, { cause })

export const notFound = (message: string, options?: ErrorOptions) =>
  new ApiError('ResourceNotFoundException', 404, message, options)

/** If a message starts with these words, the SDK ends the invocation, but not the execution. */
export const invalidToken = (why: string) => invalidParameter(`Invalid Checkpoint Token: ${why}`)

/** The callback was completed, timed out, or its execution has ended. */
export const callbackClosed = () =>
  new ApiError(
    'CallbackTimeoutException',
    400,
    'The callback ID token has either expired or the callback associated with the token has already been closed.',
  )

/** Another execution has the same name and a different payload. */
export const alreadyStarted = () =>
  new ApiError(
    'DurableExecutionAlreadyStartedException',
    409,
    'The durable execution with the specified name has already been started. Each durable execution name must be unique within the function. Use a different name or check the status of the existing execution.',
  )
