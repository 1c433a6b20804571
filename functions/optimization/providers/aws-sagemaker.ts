import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { Failure } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { defineJobProvider } from '../../../shared/providers/job.ts'
import { pipeline } from '../sagemaker-pipeline.ts'
import { states } from '../sagemaker-run.ts'
import { training } from '../sagemaker-training.ts'
import { tuning } from '../sagemaker-tuning.ts'

const kinds = { pipeline, tuning, training }
type KindName = keyof typeof kinds

/**
 * Amazon SageMaker: an execution of a pipeline, or a tuning or training made after an earlier one.
 *
 * A tuning or training is defined by a request with dozens of fields, which has its place neither in a webhook nor in a
 * secret. So what is named is a job that has run: what it was made with is read from AWS and sent again. Its name, which no
 * other job may have, carries the key of the call.
 */
export const awsSageMaker = defineJobProvider({
  title: 'Amazon SageMaker',
  aws: Aws,
  noun: 'run',
  connection: z.strictObject({
    ...awsAccountFields,
    target: optional(
      word('Default pipeline, or tuning/ or training/ with the name of a job that has run and is to be run again'),
    ),
  }),
  states,
  hasIdempotentStart: true as const,

  async check({ aws, connection: { target } }) {
    if (target !== undefined) {
      const { kind, name } = whatIs(target)
      return void (await kinds[kind].check(aws, name))
    }
    // What is allowed is allowed for names: without one, a refusal says at least that AWS knows who asks.
    const answers = ['ValidationException', 'ResourceNotFound', 'AccessDeniedException']
    try {
      await training.check(aws, 'none')
    } catch (error) {
      if (!answers.includes(awsErrorOf(error)?.name ?? '')) throw error
    }
  },

  checkStart({ target, project, ref }) {
    if (project !== undefined) throw invalid('project', 'of no use, since what runs is in no project: leave it out')
    const { kind } = whatIs(target)
    if (ref === undefined) return
    if (kind !== 'pipeline') throw invalid('ref', `of no use, since a ${kind} has no versions: leave it out`)
    if (!/^[1-9]\d{0,8}$/.test(ref)) throw invalid('ref', 'no version of a pipeline: write its number, like 3')
  },

  start(client, input) {
    const { kind, name } = whatIs(input.target)
    return kinds[kind].start(client, name, input)
  },

  getStatus({ aws }, { id }) {
    const { kind, name } = whichIs(id)
    return kinds[kind].look(aws, name)
  },

  parseRunId({ id }) {
    whichIs(id)
    return { id }
  },

  async stop(client, { id }) {
    const { kind, name } = whichIs(id)
    try {
      await kinds[kind].stop(client, name)
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== 'refused') throw error
      // It has ended in the meantime, or is being stopped: AWS has no error of its own for that.
      const { state } = await kinds[kind].look(client.aws, name)
      if (state === 'Executing' || state === 'InProgress') throw error
    }
  },
})

const named = '[a-zA-Z0-9](?:-*[a-zA-Z0-9])*'
const targetPattern = new RegExp(`^(?:(pipeline|tuning|training)/)?(${named})$`)
const jobPattern = new RegExp(`^(tuning|training)/(${named})$`)
const executionPattern = new RegExp(
  `^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\\d{12}:pipeline/${named}/execution/[a-zA-Z0-9-]+$`,
)

function whatIs(target: string): { kind: KindName; name: string } {
  const [, kind = 'pipeline', name] = targetPattern.exec(target) ?? []
  if (name !== undefined) return { kind: kind as KindName, name }
  throw invalid(
    'target',
    'nothing that runs: write the name of a pipeline, or tuning/ or training/ and the name of a job that has run',
  )
}

function whichIs(id: string): { kind: KindName; name: string } {
  if (executionPattern.test(id)) return { kind: 'pipeline', name: id }
  const [, kind, name] = jobPattern.exec(id) ?? []
  if (name !== undefined) return { kind: kind as KindName, name }
  throw invalid(
    'id',
    'no run: write it like training/churn-0123456789abcdef, tuning/churn-0123456789abcdef, or as the ARN of an execution',
  )
}

function invalid(field: string, message: string): Failure {
  return new Failure('invalid', `input.${field} is ${message}`, { errors: [{ path: `input.${field}`, message }] })
}
