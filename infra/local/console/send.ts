interface SentCall {
  status: number
  body: string
}

/** Calls the runtime like a webhook subscription, so that the page does not need the token. */
export async function send(
  url: string,
  token: string,
  category: string,
  action: string,
  query: string,
  body: unknown,
): Promise<SentCall> {
  const address = new URL(`/v1/${encodeURIComponent(category)}/${encodeURIComponent(action)}`, url)
  address.search = query
  const response = await fetch(address, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': 'console',
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.text() }
}
