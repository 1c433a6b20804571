export { httpMessage as http } from '../../../shared/vendors/http/message.ts'
