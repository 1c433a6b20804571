// What somebody would write by hand for one platform and one caller, with no framework at all: the same calls to Secrets
// Manager and GitHub as ours, and only the checks that cannot be left out.
import { createHash, timingSafeEqual } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'

const secrets = new SecretsManagerClient()
const cache = new Map<string, unknown>()

async function readSecret<T>(name: string): Promise<T> {
  if (!cache.has(name)) {
    const { SecretString = '' } = await secrets.send(
      new GetSecretValueCommand({ SecretId: `cloud-automation-webhooks/${name}` }),
    )
    cache.set(name, JSON.parse(SecretString))
  }
  return cache.get(name) as T
}

export async function handler(event: APIGatewayProxyEvent): Promise<APIGatewayProxyResult> {
  const token = event.headers['Authorization']?.replace('Bearer ', '') ?? ''
  const hash = createHash('sha256').update(token).digest()
  const callers = await readSecret<Record<string, { tokens: string[] }>>('callers')
  const isKnown = Object.values(callers).some(({ tokens }) =>
    tokens.some((known) => timingSafeEqual(Buffer.from(known.slice('sha256:'.length), 'hex'), hash)),
  )
  if (!isKnown) return { statusCode: 401, body: '{}' }
  const {
    baseUrl,
    token: credential,
    project,
  } = await readSecret<Record<string, string>>('connections/issue-ticketing/default')
  const { title, description, labels } = JSON.parse(event.body ?? '{}').input
  const issue = await post(`${baseUrl}/repos/${project}/issues`, credential ?? '', { title, body: description, labels })
  return { statusCode: 200, body: JSON.stringify({ status: 'succeeded', result: 'pass', data: issue }) }
}

function post(url: string, token: string, body: object): Promise<{ number: number; html_url: string }> {
  return new Promise((resolve, reject) => {
    const client = url.startsWith('https:') ? https : http
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'user-agent': 'minimal' }
    const request = client.request(url, { method: 'POST', headers, timeout: 15_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode !== 201) reject(new Error(`GitHub answered ${response.statusCode}`))
        else resolve(JSON.parse(text))
      })
    })
    request.on('timeout', () => request.destroy(new Error('GitHub did not answer')))
    request.on('error', reject)
    request.end(JSON.stringify(body))
  })
}
