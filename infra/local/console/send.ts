export interface SentCall {
  status: number
  body: string
}

export interface NewCall {
  category: string
  action: string
  query: string
  body: unknown
  /** The id of the call that it repeats. */
  origin?: string | undefined
}

/** The header of a call that runs an earlier one again. */
const RERUN_HEADER = 'x-rerun-of'

/** Calls the runtime like a webhook subscription, so that the page does not need the token. */
export async function send(
  url: string,
  token: string,
  { category, action, query, body, origin }: NewCall,
): Promise<SentCall> {
  const address = new URL(`/v1/${encodeURIComponent(category)}/${encodeURIComponent(action)}`, url)
  address.search = query
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': 'console',
      ...(origin === undefined ? {} : { [RERUN_HEADER]: origin }),
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.text() }
}
