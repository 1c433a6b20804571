import { awsStepFunctions } from '../../../../functions/optimization/aws-step-functions/aws-step-functions.ts'
import type { Served } from '../../../../infra/testing/loopback-server.ts'
import type { JobOptions } from '../../../conformance/job/options.ts'
import { jobConformance } from '../../../conformance/job.ts'
import type { JobPlatform } from '../../../conformance/job-platform.ts'
import { keyOf } from '../../helpers.ts'
import { modelActions } from '../../job-actions.ts'

const arn = 'arn:aws:states:eu-west-1:123456789012'
export const target = `${arn}:stateMachine:tune-checkout`
export const express = `${arn}:stateMachine:quick`
export const id = `${arn}:execution:tune-checkout:${keyOf(1)}`
export const url = `https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/${id}`

/**
 * Registers the tests that pass with the Step Functions of moto and with the fake.
 *
 * @param options the states, and rows for the fake
 */
export function testStepFunctions<S extends Served>(
  platform: JobPlatform<S>,
  { refusedStops = [], ...options }: JobOptions<S>,
) {
  return jobConformance(awsStepFunctions, modelActions, platform, {
    unsupported: ['project'],
    invalidStarts: [
      {
        name: 'a name',
        input: { target: 'tune-checkout' },
        message: 'input.target must be the ARN of a state machine',
      },
      { name: 'an execution', input: { target: id }, message: 'input.target must be the ARN of a state machine' },
      { name: 'a version in the ARN', input: { target: `${target}:3` }, message: 'Send a version or alias as ref' },
      {
        name: 'an invalid version',
        input: { ref: 'a:b' },
        message: 'input.ref must be a version, such as 3, or an alias',
      },
    ],
    refused: [
      { name: 'an express state machine', input: { target: express }, reason: 'has the type EXPRESS' },
      { name: 'an unknown one', input: { target: `${target}s` }, reason: `State Machine Does Not Exist: '${target}s'` },
    ],
    sends: [
      {
        name: 'the parameters as the input',
        input: { parameters: { trials: 20, space: { cpu: [1, 4] } } },
        request: { body: { input: '{"trials":20,"space":{"cpu":[1,4]}}' } },
      },
    ],
    refusedStops: [{ id: `${id}0`, reason: 'Execution Does Not Exist' }, ...refusedStops],
    url,
    invalidIds: {
      ids: [keyOf(1), target, `${arn}:execution:tune-checkout`, `${arn}:express:quick:a:b`],
      message: 'must be the ARN of an execution',
    },
    ...options,
  })
}
