export { httpEvaluation as http } from '../../../shared/vendors/http/evaluation.ts'
