import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { notification } from '../../../../functions/notification/index.ts'
import { ok } from '../../../../infra/testing/loopback-server.ts'
import { compilePolicy } from '../../../../shared/policy/file.ts'
import { temporaryFolder } from '../../../temporary-folder.ts'
import { request, startAws, tokensOf } from '../webhook.ts'

const secrets = {
  callers: { pipeline: { tokens: tokensOf('pipeline-token'), categories: ['*'] } },
  identity: { key: 'identity-key-of-thirty-two-characters' },
  'connections/notification/chat': { provider: 'ntfy', baseUrl: 'http://127.0.0.1:1', token: 't', channel: 'topic' },
  'connections/notification/mail': { provider: 'aws-sns', channel: 'arn:aws:sns:eu-west-1:111122223333:topic' },
}
startAws(secrets, () => ok({}))
const folder = temporaryFolder()

/** Uses a policy for the calls that follow. */
function usePolicy(name: string, text: string): void {
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(compilePolicy(parse(text))))
  process.env['WEBHOOKS_POLICY_FILE'] = file
}

function push(connection: string) {
  return request(notification, {
    path: '/notification/push-update',
    headers: { authorization: 'Bearer pipeline-token', 'content-type': 'application/json' },
    multiValueQueryStringParameters: { connection: [connection] },
    body: JSON.stringify({ data: { service: 'checkout' }, input: { text: 'Hello' } }),
  })
}

describe('A rule for irreversible actions', () => {
  test('matches an action that its provider declares irreversible', async () => {
    usePolicy('effects', 'rules: [{ name: final, when: { effects: [irreversible] }, deny: Not now }]')
    expect((await push('mail')).json).toMatchObject({
      status: 403,
      detail: expect.stringContaining('The rule "final"'),
    })
    expect((await push('chat')).statusCode).not.toBe(403)
  })
})
