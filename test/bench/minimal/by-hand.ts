// The common parts of a minimal handler for one caller, without a framework.
import { createHash, timingSafeEqual } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import type { Recorded } from '../platform.ts'

/** The body of a call to a minimal handler: the requests that our function sends for the same event. */
export interface Recipe {
  /** Names without the prefix, except `callers`. */
  secrets: string[]
  calls: Recorded[]
}

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

/** Checks the caller, reads the secrets, and sends the requests. */
export async function answer(
  event: APIGatewayProxyEvent,
  make: (calls: Recorded[], base: string) => Promise<unknown>,
): Promise<APIGatewayProxyResult> {
  const token = event.headers['Authorization']?.replace('Bearer ', '') ?? ''
  const hash = createHash('sha256').update(token).digest()
  const callers = await readSecret<Record<string, { tokens?: string[] }>>('callers')
  const isKnown = Object.values(callers).some(({ tokens = [] }) =>
    tokens.some((known) => timingSafeEqual(Buffer.from(known.slice('sha256:'.length), 'hex'), hash)),
  )
  if (!isKnown) return { statusCode: 401, body: '{}' }
  const recipe = JSON.parse(event.body ?? '{}') as Recipe
  const bases: (string | undefined)[] = []
  for (const name of recipe.secrets) bases.push((await readSecret<{ baseUrl?: string }>(name)).baseUrl)
  const data = await make(recipe.calls, bases.find((base) => base !== undefined) ?? '')
  return { statusCode: 200, body: JSON.stringify({ status: 'succeeded', result: 'pass', data }) }
}

/** Sends a JSON request to a platform. */
export function send({ method, path, headers, body }: Recorded, base: string): Promise<unknown> {
  const url = new URL(path, base)
  const client = url.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const request = client.request(url, { method, headers, timeout: 15_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`The platform returned ${response.statusCode}`))
        else resolve(text === '' ? undefined : JSON.parse(text))
      })
    })
    request.on('timeout', () => request.destroy(new Error('The platform did not respond')))
    request.on('error', reject)
    request.end(body)
  })
}
