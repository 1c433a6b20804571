import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { categories } from '../../functions/index.ts'
import { readRuntimeFile } from '../../infra/local/runtime-file.ts'
import { Service } from '../e2e/service.ts'
import { compareTasks } from './compare.ts'

const service = new Service()
beforeAll(async () => {
  await service.start()
  process.env['AWS_ENDPOINT_URL_SECRETS_MANAGER'] = readRuntimeFile(service.state)?.aws?.endpoint
})
afterAll(() => service.end())

it("AWS's cloud runner sees the same tasks in the local runtime as AWS's local runner", async () => {
  const compared = await compareTasks(service.lambdaClient(), 'CloudAutomationWebhooks')
  expect(compared.map(({ category }) => category).sort()).toEqual(categories.map(({ name }) => name).sort())
  for (const { deployed, local } of compared) expect(deployed).toEqual(local)
  expect(compared[0]?.deployed).toEqual({
    status: 'SUCCEEDED',
    verdict: 'pass',
    operations: ['send-finished SUCCEEDED'],
  })
})
