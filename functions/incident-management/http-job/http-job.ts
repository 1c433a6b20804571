export { httpJob } from '../../../shared/vendors/http/job.ts'
