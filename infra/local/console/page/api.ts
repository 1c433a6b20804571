/** An error response of the runtime. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Reads JSON from the runtime. @throws ApiError, or TypeError if the runtime does not respond */
export async function get<T>(path: string): Promise<T> {
  return read<T>(await fetch(path, { headers: { accept: 'application/json' } }))
}

/** Sends a change to the runtime. Pages of other origins cannot send JSON. @throws ApiError, TypeError */
export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return read<T>(response)
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text()
  const body = text === '' ? undefined : parse(text)
  if (response.ok) return body as T
  const { message } = (body ?? {}) as { message?: string }
  throw new ApiError(response.status, message ?? `The runtime responded with ${response.status}.`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
