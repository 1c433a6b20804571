import '../functions/aws.ts'
import assert from 'node:assert/strict'
import {
  CreateHyperParameterTuningJobCommand,
  CreatePipelineCommand,
  CreateTrainingJobCommand,
  DescribePipelineExecutionCommand,
  DescribeTrainingJobCommand,
  ListHyperParameterTuningJobsCommand,
  ListPipelineParametersForExecutionCommand,
  ListTrainingJobsCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker'
import { actions } from '../../functions/optimization/actions.ts'
import { awsSageMaker } from '../../functions/optimization/aws-sagemaker/aws-sagemaker.ts'
import { keyOf } from '../functions/client.ts'
import { Job } from '../functions/job.ts'
import { fails } from './failures.ts'
import type { Checks } from './program.ts'

const region = 'us-east-1'
const RoleArn = 'arn:aws:iam::123456789012:role/trainings'
const digits = keyOf(1).slice(-16)
const definition = {
  RoleArn,
  AlgorithmSpecification: {
    TrainingImage: '123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:7',
    TrainingInputMode: 'File',
  },
  OutputDataConfig: { S3OutputPath: 's3://models' },
  ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1, VolumeSizeInGB: 30 },
  StoppingCondition: { MaxRuntimeInSeconds: 3_600 },
} as const

/** The provider as it ships, on the API of SageMaker; moto has neither stops nor the steps of a pipeline, and all jobs complete. */
export function sageMakerChecks(endpoint: string): Checks['tests'] {
  const sageMaker = new SageMakerClient({ endpoint, region })
  const models = { start: actions['start-model'], stop: actions['stop-model'] }
  const job = new Job(awsSageMaker, models, () => ({ endpoint, region }))

  return {
    async 'SageMaker trains with other parameters, once for two attempts, and returns the model and its metrics'() {
      const weekly = { TrainingJobName: 'churn-weekly', HyperParameters: { epochs: '10', lr: '0.1' } }
      await sageMaker.send(new CreateTrainingJobCommand({ ...definition, ...weekly }))
      const input = { target: 'training/churn-weekly', parameters: { lr: 0.01 } }
      const id = `training/churn-weekly-${digits}`
      for (const isRetry of [false, true]) {
        const { status, result, message, data } = await job.end(await job.start(input, { isRetry }), input)
        assert.deepEqual([status, result, data['id']], ['succeeded', 'pass', id], message)
        assert.equal(data['model'], `s3://models/churn-weekly-${digits}/output/model.tar.gz`)
      }
      const { TrainingJobSummaries: jobs = [] } = await sageMaker.send(new ListTrainingJobsCommand())
      assert.equal(jobs.length, 2)
      const made = await sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName: `churn-weekly-${digits}` }))
      assert.deepEqual(made.HyperParameters, { epochs: '10', lr: '0.01' })
      assert.deepEqual([made.RoleArn, made.ResourceConfig], [RoleArn, definition.ResourceConfig])
      assert.match((await job.stop({ id })).message, /ended already \(Completed\)/)
    },
    async 'SageMaker tunes again, once for two attempts, and returns the best configuration'() {
      const limits = { MaxParallelTrainingJobs: 2, MaxNumberOfTrainingJobs: 20 }
      await sageMaker.send(
        new CreateHyperParameterTuningJobCommand({
          HyperParameterTuningJobName: 'churn-tuning',
          HyperParameterTuningJobConfig: { Strategy: 'Bayesian', ResourceLimits: limits },
          TrainingJobDefinition: definition,
        }),
      )
      const input = { target: 'tuning/churn-tuning' }
      // Only the AWS error for a duplicate name reveals the first attempt.
      for (const _try of [1, 2]) {
        const { status, result, message, data } = await job.end(await job.start(input), input)
        assert.deepEqual([status, result, data['id']], ['succeeded', 'pass', `tuning/churn-tuning-${digits}`], message)
        assert.ok(Object.hasOwn(data['best'] as object, 'value'), JSON.stringify(data))
      }
      const { HyperParameterTuningJobSummaries: jobs = [] } = await sageMaker.send(
        new ListHyperParameterTuningJobsCommand(),
      )
      assert.equal(jobs.length, 2)
    },
    async 'SageMaker starts a pipeline with its parameters'() {
      const PipelineDefinition = JSON.stringify({ Version: '2020-12-01', Steps: [] })
      const pipeline = { PipelineName: 'churn-model', PipelineDefinition, ClientRequestToken: keyOf(2), RoleArn }
      await sageMaker.send(new CreatePipelineCommand(pipeline))
      const target = 'churn-model'
      await awsSageMaker.check(job.client())
      const { outcome } = await job.start({ target, parameters: { Epochs: 10 } })
      const arn = outcome.data['id'] as string
      const execution = await sageMaker.send(new DescribePipelineExecutionCommand({ PipelineExecutionArn: arn }))
      assert.equal(execution.PipelineExecutionDisplayName, `churn-model-${digits}`)
      const { PipelineParameters: given } = await sageMaker.send(
        new ListPipelineParametersForExecutionCommand({ PipelineExecutionArn: arn }),
      )
      assert.deepEqual(given, [{ Name: 'Epochs', Value: '10' }])
    },
    async 'SageMaker describes a missing resource in its own words'() {
      for (const target of ['nothing', 'training/nothing', 'tuning/nothing']) {
        await fails(job.start({ target }), /ould not find/)
      }
    },
  }
}
