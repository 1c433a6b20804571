import { expect, it } from '@jest/globals'
import type { Context } from 'aws-lambda'
import { issueTicketing } from '../../../../functions/issue-ticketing/index.ts'
import { ok } from '../../../../infra/testing/loopback-server.ts'
import { webhookHandler } from '../../../../shared/core/webhook/handler.ts'
import { startAws } from '../webhook.ts'

const aws = startAws({}, () => ok({}))
const call = { action: 'open-issue', caller: 'any', id: 'x', input: { title: 'Direct' } }

it('The alias for the function for agents refuses a direct call, which could name any caller, and reads nothing', async () => {
  const context = {
    awsRequestId: 'r',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:0:function:issue-ticketing-webhook:http',
    getRemainingTimeInMillis: () => 20_000,
  } as unknown as Context
  await expect(webhookHandler(issueTicketing)(call, context)).rejects.toThrow('accepts requests only')
  expect(aws.calls).toEqual([])
})
