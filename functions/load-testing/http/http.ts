/** The generic provider, unchanged. */
export { httpJob as http } from '../../../shared/vendors/http/job.ts'
