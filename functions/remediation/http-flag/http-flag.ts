export { httpFlag } from '../../../shared/vendors/http/flag.ts'
