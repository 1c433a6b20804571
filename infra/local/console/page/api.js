/** Asks the runtime for JSON. @throws Error with its words */
export async function get(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } })
  return read(response)
}

/** Has the runtime do something: a page of another origin can not send this. @throws Error with its words */
export async function send(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return read(response)
}

async function read(response) {
  const text = await response.text()
  let body
  try {
    body = text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new Error(`${response.status}: no JSON came back.`)
  }
  if (!response.ok)
    throw Object.assign(new Error(body?.message ?? `Answered ${response.status}.`), { status: response.status })
  return body
}
