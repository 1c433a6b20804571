// Only what is used, since who imports a client as a whole, when it is first needed, gets all of its commands.

export type {
  CreateHyperParameterTuningJobRequest,
  CreateTrainingJobRequest,
  DescribeHyperParameterTuningJobResponse,
  DescribeTrainingJobResponse,
  HyperParameterTrainingJobDefinition,
  HyperParameterTrainingJobSummary,
  PipelineExecutionStep,
} from '@aws-sdk/client-sagemaker'
export {
  CreateHyperParameterTuningJobCommand,
  CreateTrainingJobCommand,
  DescribeHyperParameterTuningJobCommand,
  DescribePipelineExecutionCommand,
  DescribeTrainingJobCommand,
  ListPipelineExecutionStepsCommand,
  ListPipelineExecutionsCommand,
  SageMakerClient,
  StartPipelineExecutionCommand,
  StopHyperParameterTuningJobCommand,
  StopPipelineExecutionCommand,
  StopTrainingJobCommand,
} from '@aws-sdk/client-sagemaker'
