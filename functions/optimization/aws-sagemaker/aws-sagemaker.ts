import * as z from 'zod/mini'
import { Aws, awsAccountFields } from '../../../shared/aws/aws.ts'
import { awsErrorOf } from '../../../shared/aws/failure.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { optional, word } from '../../../shared/fields.ts'
import { defineJob } from '../../../shared/providers/define-job.ts'
import type { Run } from '../../../shared/providers/job.ts'
import { pipeline } from './pipeline.ts'
import { states } from './run.ts'
import { training } from './training.ts'
import { tuning } from './tuning.ts'

const kinds = { pipeline, tuning, training }
type KindName = keyof typeof kinds

const namePattern = '[a-zA-Z0-9](?:-*[a-zA-Z0-9])*'
const targetPattern = new RegExp(`^(?:(pipeline|tuning|training)/)?(${namePattern})$`)
const jobPattern = new RegExp(`^(tuning|training)/(${namePattern})$`)
const executionPattern = new RegExp(
  `^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\\d{12}:pipeline/${namePattern}/execution/[a-zA-Z0-9-]+$`,
)

/**
 * Starts pipeline executions, tunings and trainings of Amazon SageMaker.
 *
 * The definition of a tuning or training has dozens of fields, too many for a webhook or a secret. The target names an earlier
 * job instead, and its definition is read and sent again. The name of the new job contains the idempotency key. AWS
 * accepts a name only once.
 */
export const awsSageMaker = defineJob({
  title: 'Amazon SageMaker',
  aws: Aws,
  noun: 'run',
  notifiedBy: { type: 'eventbridge', wakeId: ({ id }) => id },
  connection: z.strictObject({
    ...awsAccountFields,
    target: optional(word('Default pipeline, or tuning/<name> or training/<name> of an earlier job to run again')),
  }),
  states,
  stopping: ['Stopping', 'Deleting'],
  hasIdempotentStart: true,
  runId: {
    pattern: { test: (id) => executionPattern.test(id) || jobPattern.test(id) },
    description: 'like training/churn-0123456789abcdef or tuning/churn-0123456789abcdef, or the ARN of an execution',
  },
  identify: (run: Run) => run,

  async check({ aws, connection: { target } }) {
    if (target !== undefined) {
      const { kind, name } = parseTarget(target)
      return void (await kinds[kind].check(aws, name))
    }
    // Permissions are granted for names. Without one, a refusal still proves that AWS accepts the credentials.
    const expectedErrors = ['ValidationException', 'ResourceNotFound', 'AccessDeniedException']
    try {
      await training.check(aws, 'none')
    } catch (error) {
      if (!expectedErrors.includes(awsErrorOf(error)?.name ?? '')) throw error
    }
  },

  checkStart({ target, project, ref }) {
    if (project !== undefined) throw invalidInput('input.project', 'is not supported. SageMaker has no projects')
    const { kind } = parseTarget(target)
    if (ref === undefined) return
    if (kind !== 'pipeline') throw invalidInput('input.ref', `is not supported. A ${kind} has no versions`)
    if (!/^[1-9]\d{0,8}$/.test(ref))
      throw invalidInput('input.ref', 'must be the number of a pipeline version, such as 3')
  },

  start(client, input) {
    const { kind, name } = parseTarget(input.target)
    return kinds[kind].start(client, name, input)
  },

  getStatus({ aws }, { id }) {
    const { kind, name } = partsOf(id)
    return kinds[kind].getStatus(aws, name)
  },

  async stop(client, { id }) {
    const { kind, name } = partsOf(id)
    await kinds[kind].stop(client, name)
  },
})

function parseTarget(target: string): { kind: KindName; name: string } {
  const [, kind = 'pipeline', name] = targetPattern.exec(target) ?? []
  if (name !== undefined) return { kind: kind as KindName, name }
  throw invalidInput(
    'input.target',
    'must be the name of a pipeline, or tuning/<name> or training/<name> of an earlier job',
  )
}

function partsOf(id: string): { kind: KindName; name: string } {
  const [, kind = 'pipeline', name = id] = jobPattern.exec(id) ?? []
  return { kind: kind as KindName, name }
}
