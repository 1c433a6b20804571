import { type Served, serve } from '../../../../infra/testing/loopback-server.ts'

/** Headers of one connection. */
const OWN_HEADERS = ['host', 'connection', 'content-length', 'content-encoding', 'transfer-encoding', 'keep-alive']

/** Forwards requests to the AWS of a local runtime, so that a test can reject some of them. */
export function startAwsProxy({ endpoint, dynamodb }: { endpoint: string; dynamodb: string }): Promise<Served> {
  return serve(async ({ method, encodedPath, query, headers, text }) => {
    const isDynamoDb = headers['x-amz-target']?.toString().startsWith('DynamoDB')
    const url = `${isDynamoDb ? dynamodb : endpoint}${encodedPath}${query.size > 0 ? `?${query}` : ''}`
    const body = method === 'GET' ? {} : { body: text }
    const response = await fetch(url, { method, headers: forwarded(Object.entries(headers)), ...body })
    const { status } = response
    return { status, headers: forwarded([...response.headers]), body: await response.text() }
  })
}

function forwarded(headers: [string, string | string[] | undefined][]): Record<string, string> {
  const shared = headers.filter(([name]) => !OWN_HEADERS.includes(name))
  return Object.fromEntries(shared.map(([name, value]) => [name, String(value)]))
}
