// Only what is used, since who imports a client as a whole, when it is first needed, gets all of its commands.
export {
  AddTagsToResourceCommand,
  CreateOpsItemCommand,
  DescribeOpsItemsCommand,
  GetAutomationExecutionCommand,
  GetOpsItemCommand,
  SSMClient,
  StartAutomationExecutionCommand,
  StopAutomationExecutionCommand,
  UpdateOpsItemCommand,
} from '@aws-sdk/client-ssm'
