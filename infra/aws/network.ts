import { CfnFunction, type Function as Fn } from 'aws-cdk-lib/aws-lambda'
import type { Permission } from './permission.ts'
import type { Settings } from './settings.ts'

/**
 * Puts a function into a VPC that exists. By its ids alone: a look-up would need an account, and synth works without one.
 */
export function joinNetwork(fn: Fn, { subnetIds, securityGroupIds }: NonNullable<Settings['vpc']>): void {
  const resource = fn.node.defaultChild
  if (!(resource instanceof CfnFunction)) throw new Error('A function is made of a CfnFunction.')
  resource.vpcConfig = { subnetIds, securityGroupIds }
}

/** What Lambda itself needs of a function's role for that. */
export const mayJoinNetwork: Permission = {
  actions: [
    'ec2:AssignPrivateIpAddresses',
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:UnassignPrivateIpAddresses',
  ],
  resources: ['*'],
  star: "Lambda makes a VPC's network interfaces with the function's role, and takes no narrower resource for it.",
}
