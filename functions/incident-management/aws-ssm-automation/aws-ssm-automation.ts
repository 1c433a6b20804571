export { awsSsmAutomation } from '../../../shared/vendors/aws-ssm-automation.ts'
