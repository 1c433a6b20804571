import { expect, test } from '@jest/globals'
import { demo } from '../../../../infra/sandbox/platforms/sandbox/demo.ts'
import { withClient } from '../../../e2e/workflow-runner.ts'
import { startOnce } from '../../../functions/helpers.ts'
import { startEnvironment } from '../../../platforms/dynatrace/environment-server.ts'

const environment = startOnce(startEnvironment)

test('The automation API understands the client of the vendor, and the client understands its responses', async () => {
  await withClient(environment, async ({ executionsClient, workflowsClient, isErrorEnvelopeError }) => {
    const { continuation: id } = demo.workflows
    const body = { input: { verdict: 'pass' }, params: { source: 'test' }, uniqueQualifier: 'a-task-finished' }
    const execution = await workflowsClient.runWorkflow({ id, body })
    expect(await workflowsClient.runWorkflow({ id, body })).toMatchObject({ id: execution.id, state: 'RUNNING' })
    expect(execution.startedAt).toBeInstanceOf(Date)
    const refusal = await executionsClient.resumeExecution({ id: execution.id }).catch((error: unknown) => error)
    expect([isErrorEnvelopeError(refusal), String(refusal)]).toEqual([true, expect.stringContaining('RUNNING')])
    await executionsClient.pauseExecution({ id: execution.id })
    expect(await executionsClient.getExecution({ id: execution.id })).toMatchObject({
      state: 'PAUSED',
      input: body.input,
    })
    await executionsClient.resumeExecution({ id: execution.id })
    await executionsClient.cancelExecution({ id: execution.id })
    const { count, results } = await executionsClient.getExecutions({})
    expect([count, results]).toMatchObject([1, [{ id: execution.id, state: 'CANCELLED' }]])
  })
})
