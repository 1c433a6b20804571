import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { parse } from 'yaml'
import { awsCredentials, type Service } from '../../e2e/service.ts'
import { startStepFunctions } from '../../functions/optimization/aws-step-functions/fake.ts'
import { type Definition, runStateMachine, StateError } from '../state-machine.ts'
import { type Setting, summaryOf, type Timeline } from './example.ts'
import { callersOf, PREFIX, read } from './files.ts'

/** Starts the state machine of template.yaml. */
export const alarm = {
  source: 'aws.cloudwatch',
  'detail-type': 'CloudWatch Alarm State Change',
  detail: { alarmName: 'checkout-errors', state: { value: 'ALARM' }, previousState: { value: 'OK' } },
}

/** An alarm starts the state machine of template.yaml. */
export async function stepFunctionsRemediation(): Promise<Setting> {
  // The fakes of AWS accept only this access key.
  process.env['AWS_ACCESS_KEY_ID'] = awsCredentials.accessKeyId
  const states = await startStepFunctions()
  const { Resources } = parse(read('step-functions-remediation/template.yaml'))
  const { Definition: definition, DefinitionSubstitutions: substitutions } = Resources.StateMachine.Properties

  /** Returns the local name of a function, which the role of the state machine must be allowed to invoke. */
  function functionOf(name: string): string {
    const parameter = substitutions[/^\$\{(\w+)\}$/.exec(name)?.[1] ?? '']?.Ref
    const [{ PolicyDocument }] = Resources.StateMachineRole.Properties.Policies
    const allowed = PolicyDocument.Statement[0].Resource.map(({ Ref }: { Ref: string }) => Ref)
    assert(allowed.includes(parameter), `The role may not invoke ${name}.`)
    return parameter.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
  }

  const runMachine = (machine: Definition) => async (service: Service, timeline: Timeline) => {
    const lambda = service.lambdaClient()
    const entered = await runStateMachine(machine, alarm, {
      execution: randomUUID(),
      async invoke(name, payload) {
        const command = { FunctionName: functionOf(name), Payload: JSON.stringify(payload) }
        const { action, input } = payload
        timeline.say('states', `invokes ${command.FunctionName}: ${action} ${JSON.stringify(input)}`)
        const { FunctionError, Payload } = await lambda.send(new InvokeCommand(command))
        const text = new TextDecoder().decode(Payload)
        await timeline.responded(FunctionError ? 'fails' : 'returns', text)
        const result = JSON.parse(text)
        if (FunctionError) throw new StateError(result.errorType, result.errorMessage)
        return result
      },
      createToken() {
        const token = `AQCEAAAAKgAAAAM${randomUUID()}=`
        const task: (typeof states.state.tasks)[string] = { hasEnded: false, heartbeats: 0 }
        states.state.tasks[token] = task
        return {
          token,
          async result() {
            await service.until(() => task.hasEnded, 'the result of a state')
            await timeline.received()
            const { output, error, cause } = task.result ?? {}
            const end = error === undefined ? 'succeeds' : `fails with ${error}`
            timeline.say('states', `the state ${end} ${summaryOf(String(output ?? cause))}`)
            if (error !== undefined) throw new StateError(String(error), String(cause))
            return JSON.parse(String(output))
          },
        }
      },
    })
    return entered.join(', ')
  }

  const failing = structuredClone(definition)
  failing.States.Restart.Parameters.Payload.input.parameters = { outcome: 'failure' }
  return {
    platforms: { states },
    options: {
      secrets: {
        ...callersOf('step-functions-remediation/deploy.sh'),
        [`${PREFIX}/orchestrators/step-functions`]: {
          type: 'step-functions',
          region: 'eu-west-1',
          endpoint: states.url,
        },
      },
    },
    scenarios: [
      {
        title: 'The runbook restarts the service, which helps',
        run: runMachine(definition),
        expected: 'Restart, Evaluate, Solved',
      },
      {
        title: 'The runbook fails: an issue is opened',
        async run(service, timeline) {
          const entered = await runMachine(failing)(service, timeline)
          const issues = (await service.issues()).filter(({ body }) => body.includes('Webhooks.Failed'))
          return `${entered}; issues: ${issues.map(({ title }) => title)}`
        },
        expected: 'Restart, OpenIssue, NotSolved; issues: Alarm checkout-errors is not solved',
      },
    ],
  }
}
