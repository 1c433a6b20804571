import http from 'node:http'

export interface Answer {
  status: number
  body: string
}

/** Sends JSON with `node:http`, which takes less time than `fetch`. */
export function post(
  url: string,
  body: unknown,
  agent: http.Agent,
  headers: http.OutgoingHttpHeaders,
): Promise<Answer> {
  const text = JSON.stringify(body)
  const json = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers }
  return send(url, { method: 'POST', agent, headers: json }, text)
}

export function send(url: string, options: http.RequestOptions, text: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    request.on('error', reject)
    request.end(text)
  })
}
