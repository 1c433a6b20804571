export { rundeck } from '../../../shared/vendors/rundeck.ts'
