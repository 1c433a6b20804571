/** Reads JSON from the runtime. @throws Error with its message */
export async function get(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } })
  return read(response)
}

/** Sends a change to the runtime. Pages of other origins cannot send JSON. @throws Error with its message */
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
    throw new Error(`The response ${response.status} is not JSON.`)
  }
  if (!response.ok)
    throw Object.assign(new Error(body?.message ?? `The runtime returned ${response.status}.`), {
      status: response.status,
    })
  return body
}
