export type Fields = Record<string, unknown>

/** A job in the format of the API. */
export interface Job extends Fields {
  AlgorithmSpecification?: Fields
}

const region = 'eu-west-1'
export const arnOf = (rest: string) => `arn:aws:sagemaker:${region}:123456789012:${rest}`
/** In seconds, like all times of the API. */
export const STARTED_AT = 1_764_000_000
/** An algorithm of AWS, which reports its own metrics and accepts no others. */
export const builtIn = `438346466558.dkr.ecr.${region}.amazonaws.com/linear-learner:1`
export const builtInMetrics = [{ Name: 'train:loss', Regex: 'loss=(\\S+)' }]
const role = 'arn:aws:iam::123456789012:role/trainings'

/** A completed training. */
export const trained: Job = {
  TrainingJobName: 'churn-weekly',
  TrainingJobArn: arnOf('training-job/churn-weekly'),
  ModelArtifacts: { S3ModelArtifacts: 's3://models/churn-weekly/output/model.tar.gz' },
  TrainingJobStatus: 'Completed',
  SecondaryStatus: 'Completed',
  SecondaryStatusTransitions: [
    { Status: 'Starting', StartTime: STARTED_AT, StatusMessage: 'Launching requested ML instances' },
  ],
  HyperParameters: { epochs: '10', lr: '0.1' },
  AlgorithmSpecification: {
    TrainingImage: `123456789012.dkr.ecr.${region}.amazonaws.com/churn:7`,
    TrainingInputMode: 'File',
    MetricDefinitions: [{ Name: 'validation:auc', Regex: 'auc=(\\S+)' }],
    EnableSageMakerMetricsTimeSeries: true,
  },
  RoleArn: role,
  InputDataConfig: [
    {
      ChannelName: 'train',
      DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://data/churn' } },
      CompressionType: 'None',
      RecordWrapperType: 'None',
    },
  ],
  OutputDataConfig: { KmsKeyId: '', S3OutputPath: 's3://models' },
  ResourceConfig: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1, VolumeSizeInGB: 30 },
  VpcConfig: { SecurityGroupIds: ['sg-1'], Subnets: ['subnet-1'] },
  StoppingCondition: { MaxRuntimeInSeconds: 3_600 },
  CreationTime: STARTED_AT - 90_000,
  TrainingStartTime: STARTED_AT - 89_900,
  TrainingEndTime: STARTED_AT - 89_000,
  LastModifiedTime: STARTED_AT - 89_000,
  FinalMetricDataList: [{ MetricName: 'validation:auc', Value: 0.91, Timestamp: STARTED_AT - 89_100 }],
  EnableNetworkIsolation: true,
  EnableInterContainerTrafficEncryption: false,
  EnableManagedSpotTraining: false,
  TrainingTimeInSeconds: 900,
  BillableTimeInSeconds: 900,
  Environment: { TZ: 'UTC' },
  ProfilerConfig: { S3OutputPath: 's3://models', DisableProfiler: false },
  ProfilingStatus: 'Disabled',
}

/** A completed tuning. */
export const tuned: Job = {
  HyperParameterTuningJobName: 'churn-tuning',
  HyperParameterTuningJobArn: arnOf('hyper-parameter-tuning-job/churn-tuning'),
  HyperParameterTuningJobConfig: {
    Strategy: 'Bayesian',
    HyperParameterTuningJobObjective: { Type: 'Maximize', MetricName: 'validation:auc' },
    ResourceLimits: { MaxNumberOfTrainingJobs: 20, MaxParallelTrainingJobs: 2 },
    ParameterRanges: {
      IntegerParameterRanges: [],
      ContinuousParameterRanges: [{ Name: 'lr', MinValue: '0.01', MaxValue: '1', ScalingType: 'Logarithmic' }],
      CategoricalParameterRanges: [],
    },
    TrainingJobEarlyStoppingType: 'Auto',
  },
  TrainingJobDefinition: {
    StaticHyperParameters: { _tuning_objective_metric: 'validation:auc', epochs: '10' },
    AlgorithmSpecification: {
      TrainingImage: `123456789012.dkr.ecr.${region}.amazonaws.com/churn:7`,
      TrainingInputMode: 'File',
      MetricDefinitions: [{ Name: 'validation:auc', Regex: 'auc=(\\S+)' }],
    },
    RoleArn: role,
    InputDataConfig: trained['InputDataConfig'],
    OutputDataConfig: trained['OutputDataConfig'],
    ResourceConfig: trained['ResourceConfig'],
    StoppingCondition: trained['StoppingCondition'],
    EnableNetworkIsolation: true,
    EnableInterContainerTrafficEncryption: false,
    EnableManagedSpotTraining: false,
  },
  HyperParameterTuningJobStatus: 'Completed',
  CreationTime: STARTED_AT - 90_000,
  HyperParameterTuningEndTime: STARTED_AT - 80_000,
  TrainingJobStatusCounters: { Completed: 20, InProgress: 0, RetryableError: 0, NonRetryableError: 0, Stopped: 0 },
  ObjectiveStatusCounters: { Succeeded: 20, Pending: 0, Failed: 0 },
  WarmStartConfig: {
    ParentHyperParameterTuningJobs: [{ HyperParameterTuningJobName: 'churn-parent' }],
    WarmStartType: 'IdenticalDataAndAlgorithm',
  },
}
