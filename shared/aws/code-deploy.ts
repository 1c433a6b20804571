import { AwsService } from './service.ts'

const service = new AwsService({ host: 'codedeploy', variable: 'CODEDEPLOY' })

/**
 * Returns the name of the deployment group of a deployment.
 *
 * @throws ServiceError, or the error of the network
 */
export async function deploymentGroupOf(deploymentId: string): Promise<string> {
  const { deploymentInfo } = await codeDeploy<{ deploymentInfo: { deploymentGroupName: string } }>('GetDeployment', {
    deploymentId,
  })
  return deploymentInfo.deploymentGroupName
}

/**
 * Reports the result of a hook.
 *
 * @throws ServiceError, or the error of the network
 */
export async function reportStatus(report: {
  DeploymentId: string
  LifecycleEventHookExecutionId: string
  status: 'Succeeded' | 'Failed'
}): Promise<void> {
  const { DeploymentId: deploymentId, LifecycleEventHookExecutionId: lifecycleEventHookExecutionId, status } = report
  await codeDeploy('PutLifecycleEventHookExecutionStatus', { deploymentId, lifecycleEventHookExecutionId, status })
}

/** @see https://docs.aws.amazon.com/codedeploy/latest/APIReference/Welcome.html */
async function codeDeploy<Output>(operation: string, input: object): Promise<Output> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `CodeDeploy_20141006.${operation}` }
  return (await service.send({ method: 'POST', path: '/', headers, body: JSON.stringify(input) })).body as Output
}
