import { CfnFunction, type Function as Fn } from 'aws-cdk-lib/aws-lambda'
import type { Permission } from '../../shared/aws/permissions.ts'
import type { Settings } from './settings.ts'

/** Connects a function to an existing VPC. Uses ids only: a CDK lookup needs an account, and synth works without one. */
export function joinVpc(fn: Fn, { subnetIds, securityGroupIds }: NonNullable<Settings['vpc']>): void {
  const resource = fn.node.defaultChild
  if (!(resource instanceof CfnFunction)) throw new Error('The default child of a function must be a CfnFunction.')
  resource.vpcConfig = { subnetIds, securityGroupIds }
}

/** Lambda uses the role of the function to create network interfaces. */
export const manageNetworkInterfaces: Permission = {
  actions: [
    'ec2:AssignPrivateIpAddresses',
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:UnassignPrivateIpAddresses',
  ],
  resources: ['*'],
  wildcardReason: "Lambda creates network interfaces with the function's role and accepts no narrower resource.",
}
