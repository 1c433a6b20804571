// Only what is used, since who imports a client as a whole, when it is first needed, gets all of its commands.
export {
  BatchGetBuildsCommand,
  BatchGetReportsCommand,
  CodeBuildClient,
  ListBuildsForProjectCommand,
  StartBuildCommand,
  StopBuildCommand,
} from '@aws-sdk/client-codebuild'
