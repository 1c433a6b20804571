export { httpFlag as http } from '../../../shared/vendors/http/flag.ts'
